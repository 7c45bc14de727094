/** This machine's own addresses. */
import { networkInterfaces } from 'node:os';

/**
 * An address by which other machines reach a server that listens on `host`: the host itself, or
 * for "everywhere" the first external address.
 */
export function reachableHost(host: string): string {
  if (host !== '0.0.0.0' && host !== '::') return host.includes(':') ? `[${host}]` : host;
  return externalAddress('IPv4') ?? 'localhost';
}

/** An IP address of this machine: one that others can reach, where it has one. */
export function ownAddress(): string {
  return externalAddress('IPv4') ?? externalAddress('IPv6') ?? '127.0.0.1';
}

function externalAddress(family: 'IPv4' | 'IPv6'): string | undefined {
  return Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .find((address) => !address.internal && address.family === family)?.address;
}
