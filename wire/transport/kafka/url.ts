/** `kafka://host:port[,host:port]`: brokers as the flag of a verb names them. */
import { WindrowError } from '../../../runtime/errors.ts';
import { brokersFault } from './settings.ts';

const scheme = 'kafka://';
const form = `${scheme}host:port[,host:port]`;

export function isKafkaUrl(url: string): boolean {
  return url.startsWith(scheme);
}

/**
 * The brokers that it names.
 * @param flag `--to`, for the error
 * @throws WindrowError `usage`
 */
export function brokersOf(flag: string, url: string): readonly string[] {
  const hosts = url.slice(isKafkaUrl(url) ? scheme.length : 0).replace(/\/$/, '');
  const brokers = hosts.split(',').map((text) => text.trim());
  const fault = brokersFault(brokers);
  const namesBrokers = isKafkaUrl(url) && hosts !== '';
  if (namesBrokers && fault === undefined) return brokers;
  if (!namesBrokers && !hosts.includes('@')) {
    throw new WindrowError('usage', `${flag} must be ${form}, not ${url}`);
  }
  throw new WindrowError('usage', `${flag}${fault}`, { hint: `Brokers are named as ${form}.` });
}
