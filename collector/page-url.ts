/**
 * Under which address people find the collector's page: links of other collectors' pages and of
 * notifications lead there.
 */
import type { Finding } from '../runtime/doctor.ts';
import { isLoopback } from './api/access.ts';
import { urlOf } from './api/listen.ts';
import type { CollectorConfig } from './config.ts';

type Addressed = Pick<CollectorConfig, 'url' | 'listen' | 'hosts' | 'tls.cert_file'>;

/** No address, whose last part is a number, and no pattern. */
const hostName = /^(?=.{1,253}$)(?:[a-z0-9_-]+\.)*[a-z](?:[a-z0-9-]*[a-z0-9])?$/i;

/** @param port on which it listens */
export function pageUrlOf(config: Addressed, port: number): string {
  const secure = config['tls.cert_file'] !== undefined;
  return (
    config.url ?? urlOf({ host: secure ? certifiedHost(config) : config.listen, port, secure })
  );
}

/** A certificate is of a name: under an address browsers refuse it. */
function certifiedHost({ listen, hosts }: Addressed): string {
  const names = isLoopback(listen) ? [] : hosts.filter((host) => hostName.test(host));
  return names.find((name) => !isLoopback(name.toLowerCase())) ?? listen;
}

/** The names under which it may be asked: who follows a link to it is not sent away. */
export function hostsOf(config: Addressed): string[] {
  return [...config.hosts, hostnameOf(pageUrlOf(config, 0))];
}

/**
 * Where links lead that collectors on Kafka give away; undefined where it has none. Directly there is
 * one collector, whose page is opened where it can be.
 */
export function linksFinding(
  config: Addressed & Pick<CollectorConfig, 'transport'>,
  port: number,
): Finding | undefined {
  if (config.transport !== 'kafka') return undefined;
  const url = pageUrlOf(config, port);
  if (!isLoopback(hostnameOf(url))) {
    return { status: 'ok', message: `other collectors' pages and notifications link to ${url}` };
  }
  return {
    status: 'warn',
    message: `${url} is reached from this machine alone: on any other one, links of other collectors' pages and of notifications to this collector's servers lead to the reader's own machine`,
    advice:
      'Listen where people reach it (--listen, listen), or name the address under which they do (--url, url).',
  };
}

/** Empty where `listen` is no host, of which listening tells. */
function hostnameOf(url: string): string {
  return URL.parse(url)?.hostname.replace(/^\[|\]$/g, '') ?? '';
}
