/** This machine's own addresses. */
import { networkInterfaces } from 'node:os';

/**
 * An address by which other machines reach a server that listens on `host`: the host itself, or
 * for "everywhere" the first external address.
 */
export function reachableHost(host: string): string {
  if (host !== '0.0.0.0' && host !== '::') return host.includes(':') ? `[${host}]` : host;
  const external = Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .find((address) => !address.internal && address.family === 'IPv4');
  return external?.address ?? 'localhost';
}
