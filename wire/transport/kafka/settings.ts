/** The settings that both programs share: which transport, and how the brokers are reached. */
import { isIPv6 } from 'node:net';
import { z } from 'zod';
import { sayingAll } from '../../../runtime/config/issue.ts';
import type { Spec } from '../../../runtime/config/load.ts';
import { texts, whole, yesOrNo } from '../../../runtime/config/units.ts';
import { PASSWORD_VARIABLE, SASL_MECHANISMS } from './connection.ts';

const brokersMax = 100;
const portMax = 65_535;
/** As names of topics have it. */
const groupCharsMax = 249;
/** An IPv6 address in brackets. A name that begins with - would be somebody's flag. */
const hostPattern = /^(?:[A-Za-z0-9_][A-Za-z0-9._-]*|\[[0-9A-Fa-f:.]+\])$/;

/**
 * What is wrong with brokers as they were given, as the rest of a sentence that their key begins;
 * undefined when nothing is.
 */
export function brokersFault(list: readonly string[]): string | undefined {
  if (list.some((text) => text.includes('@'))) {
    return ' must not hold a password: user and password are kafka.sasl.username and kafka.sasl.password_file';
  }
  if (list.length === 1 && list[0] === '') return ' is empty';
  for (const text of list) {
    const fault = brokerFault(text);
    if (fault !== undefined) return `: ${fault}`;
  }
  return list.length <= brokersMax ? undefined : ` must be at most ${brokersMax} brokers`;
}

/** Undefined for `host:port`, an IPv6 address in brackets; no port means none was thought of. */
function brokerFault(text: string): string | undefined {
  if (text === '') return 'a broker is missing before or after a comma';
  const scheme = /^[a-z_]+:\/\//i.exec(text)?.[0];
  if (scheme !== undefined) return `leave ${scheme} out`;
  const [, address = text, its = 'port'] = /^(.*[^:]):(\d{4,5})$/s.exec(text) ?? [];
  if (isIPv6(address)) return `an IPv6 address goes in brackets: [${address}]:${its}`;
  if (isIPv6(text)) return `an IPv6 address goes in brackets: [${text}]:port`;
  const [, host = text, port = ''] = /^(.*?):([^:\]]*)$/s.exec(text) ?? [];
  if (host === '') return `no host in ${text}`;
  if (!hostPattern.test(host)) return `${JSON.stringify(host)} is no name or address of a host`;
  if (port === '') return `no port in ${text}`;
  if (!/^\d+$/.test(port)) return `port ${JSON.stringify(port)} is no number`;
  if (port.length <= 5 && Number(port) >= 1 && Number(port) <= portMax) return undefined;
  return `port ${port} is not from 1 to ${portMax}`;
}

export const brokers = texts('must be a list of host:port, or text with commas').transform(
  (list, context) => {
    const fault = brokersFault(list);
    if (fault === undefined) return list;
    context.addIssue(sayingAll(fault));
    return z.NEVER;
  },
);

/** A group of consumers. Brokers do not ask for more than length; it goes into commands and messages. */
export const groupName = z
  .string()
  .max(groupCharsMax, `must have at most ${groupCharsMax} characters`)
  .regex(/^[A-Za-z0-9._-]+$/, 'must have letters, digits, dots, _ and - only');

export const KAFKA_SPEC = {
  transport: {
    schema: z.enum(['direct', 'kafka']),
    fallback: 'direct',
    about: 'How samples travel: direct to the collector, or through kafka.',
  },
  brokers: {
    schema: brokers,
    fallback: [],
    about: 'Some brokers of Apache Kafka as host:port; they tell of the others.',
    flag: { name: '--kafka', implies: { transport: 'kafka' } },
  },
  'kafka.tls': {
    schema: yesOrNo,
    fallback: false,
    about: 'Whether the brokers speak TLS.',
  },
  'kafka.tls_ca_file': {
    schema: z.string().min(1),
    fallback: undefined,
    about: "PEM certificates to trust beside the system's, for brokers with their own CA.",
  },
  'kafka.partitions': {
    schema: whole(1, 1_000),
    fallback: 6,
    about: 'Partitions of topics that are made; at most so many collectors share the work.',
  },
  'kafka.replication': {
    schema: whole(1, 20),
    fallback: undefined,
    about: 'Replicas of topics that are made: 3 where there are three brokers, else 1.',
  },
  'kafka.sasl.mechanism': {
    schema: z.enum(SASL_MECHANISMS),
    fallback: undefined,
    about: `How to log in to the brokers: ${SASL_MECHANISMS.join(', ')}; not at all when not set.`,
  },
  'kafka.sasl.username': {
    schema: z.string().min(1),
    fallback: undefined,
    about: 'The user at the brokers.',
  },
  'kafka.sasl.password_file': {
    schema: z.string().min(1),
    fallback: undefined,
    about: `File that holds the user's password; without it the variable ${PASSWORD_VARIABLE} does.`,
  },
} as const satisfies Spec;
