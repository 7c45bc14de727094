/** The agent's settings. `config/agent.yaml` lists them with their defaults. */
import { hostname } from 'node:os';
import { z } from 'zod';
import { collectorUrl, duration, size, whole, words } from '../runtime/config/units.ts';
import type { Spec, Values } from '../runtime/config/load.ts';
import { LOG_LEVELS } from '../runtime/logging.ts';
import { topProcessesMax } from '../wire/limits.ts';
import { serverId } from '../wire/records/fields.ts';
import { KAFKA_SPEC } from '../wire/transport/kafka/settings.ts';

const COMPAT_FORMATS = ['seed-a'] as const;

export const AGENT_SPEC = {
  to: {
    schema: collectorUrl,
    fallback: 'http://127.0.0.1:7861',
    about: 'Address of the collector.',
    flag: { name: '--to', needs: { transport: 'direct' } },
  },
  token_file: {
    schema: z.string().min(1),
    fallback: undefined,
    about: 'File that holds the token which `windrow-collector token create` made.',
  },
  tls_ca_file: {
    schema: z.string().min(1),
    fallback: undefined,
    about: "PEM certificates to trust beside the system's, for a collector with its own CA.",
  },
  server_id: {
    schema: serverId,
    fallback: hostname(),
    about: 'Name of this machine; by default its host name.',
  },
  data: { schema: z.string().min(1), fallback: './data', about: 'Folder of all state.' },
  interval: {
    schema: duration('1s', '60s'),
    fallback: '1s',
    about: 'How often a sample is taken.',
  },
  'processes.interval': {
    schema: duration('1s', '10m'),
    fallback: '5s',
    about: 'How often the top processes are taken.',
  },
  'processes.top': {
    schema: whole(1, topProcessesMax),
    fallback: 10,
    about: 'How many processes by CPU, by memory and by disk I/O.',
  },
  'outbox.size': {
    schema: size('32MiB', '1TiB'),
    fallback: '256MiB',
    about: 'Most that waits on disk while the collector is away; beyond it the oldest go.',
  },
  ...KAFKA_SPEC,
  compat: {
    schema: words.pipe(z.array(z.enum(COMPAT_FORMATS))),
    fallback: [],
    about: `Old systems' formats that samples are written in too, on Kafka: ${COMPAT_FORMATS.join(', ')}.`,
  },
  log: {
    schema: z.enum(LOG_LEVELS),
    fallback: 'info',
    about: `How much is logged: ${LOG_LEVELS.join(', ')}.`,
  },
} as const satisfies Spec;

export type AgentConfig = Values<typeof AGENT_SPEC>;
