/** `--to` of the verbs that send at once: a collector, or brokers. `run` has --kafka for these. */
import { brokersOf, isKafkaUrl } from '../../wire/transport/kafka/url.ts';
import { AGENT_SPEC } from '../config.ts';

export const ANYWHERE_SPEC = {
  ...AGENT_SPEC,
  to: { ...AGENT_SPEC.to, flag: { name: '--to', implies: { transport: 'direct' } } },
} as const;

/** For files: `--machine-id` as the old system called it. */
export const FILES_SPEC = {
  ...ANYWHERE_SPEC,
  server_id: { ...AGENT_SPEC.server_id, flag: { name: '--machine-id' } },
} as const;

/** Settings that `--to` stands for when it names brokers. @throws WindrowError `usage` */
export function brokersGiven(to: string | undefined): Readonly<Record<string, unknown>> {
  if (to === undefined || !isKafkaUrl(to)) return {};
  return { to: undefined, brokers: brokersOf('--to', to) };
}
