/** The collector's settings. `config/collector.yaml` lists them with their defaults. */
import { z } from 'zod';
import { WindrowError } from '../runtime/errors.ts';
import { LOG_LEVELS } from '../runtime/logging.ts';
import { duration, size, whole, words, yesOrNo } from '../runtime/config/units.ts';
import type { Spec, Values } from '../runtime/config/load.ts';
import { ownPath } from '../runtime/program.ts';
import { ownerUrlCharsMax } from '../wire/limits.ts';
import { METRICS } from '../wire/metrics.ts';
import { checkKafkaConfig, kafkaSettings } from '../wire/transport/kafka/connection.ts';
import { groupName, KAFKA_SPEC } from '../wire/transport/kafka/settings.ts';
import type { EngineOptions } from './windows/engine.ts';

/**
 * Panes that wait for announced samples; beyond it their windows are final and incomplete. An
 * agent's outage of 24 h comes out whole: its oldest samples arrive up to an hour after its newest.
 */
export const paneRetentionMs = 25 * 60 * 60 * 1000;

/** Names the collector in the logs of the brokers. */
export const clientId = 'windrow-collector';

/** Links to the page add what they need; what others are told of it is bounded. */
const pageAddress = z.string().transform((text, context) => {
  const url = URL.parse(text);
  const origin = url !== null && /^https?:$/.test(url.protocol) ? url.origin : undefined;
  // Anything else in it (user, path, query) would be in the whole address and not in its origin.
  if (origin !== undefined && url?.href === `${origin}/` && origin.length <= ownerUrlCharsMax) {
    return origin;
  }
  context.addIssue(
    `must be an address such as https://monitor.example.org, with nothing behind it, of at most ${ownerUrlCharsMax} characters`,
  );
  return z.NEVER;
});

export const COLLECTOR_SPEC = {
  listen: {
    schema: z.string().regex(/^[A-Za-z0-9.:_-]+$/, 'must be a host name or an IP address'),
    fallback: '127.0.0.1',
    about: 'Address to listen on; 0.0.0.0 for the whole network (agents then need a token).',
  },
  port: {
    schema: whole(0, 65_535),
    fallback: 7861,
    about: 'The one port, for agents, the page and metrics; 0 takes a free one.',
  },
  url: {
    schema: pageAddress,
    fallback: undefined,
    about:
      'Address under which people reach the page, for links to it; made of listen, port and, with TLS, hosts when not set.',
  },
  data: { schema: z.string().min(1), fallback: './data', about: 'Folder of all state.' },
  hosts: {
    schema: words,
    fallback: [],
    about: 'Further host names under which the collector is reached, without port.',
  },
  'tls.cert_file': {
    schema: z.string().min(1),
    fallback: undefined,
    about: 'PEM certificate chain; with tls.key_file the port speaks HTTPS.',
  },
  'tls.key_file': {
    schema: z.string().min(1),
    fallback: undefined,
    about: 'PEM private key of tls.cert_file.',
  },
  reports: {
    schema: z.string().min(1),
    fallback: undefined,
    about: 'Folder of report definitions; the ones that come with windrow when not set.',
  },
  alerts: {
    schema: z.string().min(1),
    fallback: undefined,
    about: 'File of alert rules and notifiers; the one that comes with windrow when not set.',
  },
  'windows.length': {
    schema: duration('1s', '1h'),
    fallback: '30s',
    about: 'Length of a window: a whole number of slides.',
  },
  'windows.slide': {
    schema: duration('1s', '1h'),
    fallback: '10s',
    about: 'A window begins this often.',
  },
  'windows.lateness': {
    schema: duration('0s', '10m'),
    fallback: '5s',
    about: 'How far out of order the samples of one server may come.',
  },
  'retention.samples': {
    schema: duration('1m', '3650d'),
    fallback: '7d',
    about: 'Age at which samples are deleted.',
  },
  'retention.details': {
    schema: duration('1m', '3650d'),
    fallback: '24h',
    about: 'Age at which per-core, per-device and process details are deleted.',
  },
  'retention.windows': {
    schema: duration('1m', '3650d'),
    fallback: '90d',
    about: 'Age at which windows are deleted.',
  },
  'retention.size': {
    schema: size('16MiB', '64TiB'),
    fallback: '4GiB',
    about: 'Size of the store at which the oldest details, samples, then windows are deleted.',
  },
  'ingest.requests_per_second': {
    schema: whole(1, 1_000_000),
    fallback: 5_000,
    about: 'Requests that one address may make in a second.',
  },
  'blocks.enabled': {
    schema: yesOrNo,
    fallback: true,
    about: 'Whether agents may send files here.',
  },
  'blocks.folder': {
    schema: z.string().min(1),
    fallback: undefined,
    about: 'Folder of received files; received/ in the data folder when not set.',
  },
  'blocks.quota': {
    schema: size('1MiB', '1024TiB'),
    fallback: '20GiB',
    about: 'What received files may take; the last twentieth of the disk stays free in any case.',
  },
  ...KAFKA_SPEC,
  'kafka.group': {
    schema: groupName,
    fallback: 'windrow',
    about: 'Collectors of one group share the servers among them.',
  },
  log: {
    schema: z.enum(LOG_LEVELS),
    fallback: 'info',
    about: `How much is logged: ${LOG_LEVELS.join(', ')}.`,
  },
} as const satisfies Spec;

export type CollectorConfig = Values<typeof COLLECTOR_SPEC>;

/** The user's own reports, else those that come with windrow. */
export function reportsFolder(config: CollectorConfig): string {
  return config.reports ?? ownPath(new URL('../config/reports', import.meta.url));
}

/** The user's own rules, else those that come with windrow. */
export function alertsPath(config: CollectorConfig): string {
  return config.alerts ?? ownPath(new URL('../config/alerts.yaml', import.meta.url));
}

export function windowSettings(config: CollectorConfig): EngineOptions {
  return {
    windowMs: config['windows.length'],
    slideMs: config['windows.slide'],
    latenessMs: config['windows.lateness'],
    paneRetentionMs,
    metricCount: METRICS.length,
  };
}

/** What one setting alone cannot tell. @throws WindrowError `config` */
export function checkSettings(config: CollectorConfig): void {
  if (config['windows.length'] % config['windows.slide'] !== 0) {
    throw new WindrowError('config', 'windows.length must be a whole number of windows.slide', {
      hint: 'With a slide of 10s the length may be 10s, 20s, 30s and so on.',
    });
  }
  if ((config['tls.cert_file'] === undefined) !== (config['tls.key_file'] === undefined)) {
    throw new WindrowError('config', 'tls.cert_file and tls.key_file go together: one is missing');
  }
  checkKafkaConfig(config);
}

/** That, and the files for the brokers; touches no network. @throws WindrowError `config` */
export function checkConnection(config: CollectorConfig): void {
  checkSettings(config);
  if (config.transport !== 'kafka') return;
  kafkaSettings(config, { clientId, env: process.env });
}
