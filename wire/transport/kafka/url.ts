/** `kafka://host:port[,host:port]`: brokers as the flag of a verb names them. */
import { WindrowError } from '../../../runtime/errors.ts';
import { brokers } from './settings.ts';

const scheme = 'kafka://';

export function isKafkaUrl(url: string): boolean {
  return url.startsWith(scheme);
}

/**
 * The brokers that it names.
 * @param flag `--to`, for the error
 * @throws WindrowError `usage`
 */
export function brokersOf(flag: string, url: string): readonly string[] {
  const hosts = url.slice(scheme.length).replace(/\/$/, '');
  if (hosts.includes('@')) {
    throw new WindrowError('usage', `${flag} must not hold a password`, {
      hint: 'User and password are settings: kafka.sasl.username and kafka.sasl.password_file.',
    });
  }
  const parsed = brokers.safeParse(hosts);
  if (isKafkaUrl(url) && parsed.success && parsed.data.length > 0) return parsed.data;
  throw new WindrowError('usage', `${flag} must be kafka://host:port[,host:port], not ${url}`);
}
