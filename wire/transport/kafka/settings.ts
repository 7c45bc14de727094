/** The settings that both programs share: which transport, and how the brokers are reached. */
import { z } from 'zod';
import type { Spec } from '../../../runtime/config/load.ts';
import { whole, words, yesOrNo } from '../../../runtime/config/units.ts';
import { PASSWORD_VARIABLE, SASL_MECHANISMS } from './connection.ts';

const brokersMax = 100;

/** `host:port`, an IPv6 address in brackets; no port means none was thought of. */
const broker = /^(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\]):(\d{1,5})$/;

export const brokers = words.transform((list, context) => {
  if (list.some((text) => text.includes('@'))) {
    context.addIssue(
      'must not hold a password: user and password are kafka.sasl.username and kafka.sasl.password_file',
    );
    return z.NEVER;
  }
  for (const text of list) {
    const port = Number(broker.exec(text)?.[1]);
    if (port >= 1 && port <= 65_535) continue;
    context.addIssue(`must be brokers as host:port, with commas between them; ${text} is none`);
    return z.NEVER;
  }
  if (list.length <= brokersMax) return list;
  context.addIssue(`must be at most ${brokersMax} brokers`);
  return z.NEVER;
});

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
