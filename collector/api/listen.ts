/** Where the collector listens, with which certificate, and how people are told of it. */
import { readFileSync } from 'node:fs';
import type { FastifyInstance } from 'fastify';
import { messageOf, systemCodeOf, WindrowError } from '../../runtime/errors.ts';
import { reachableHost } from '../../runtime/network.ts';
import type { CollectorConfig } from '../config.ts';
import type { ServerOptions } from './server.ts';

/** @throws WindrowError (config) when a file of the certificate cannot be read */
export function readTls(config: CollectorConfig): ServerOptions['tls'] {
  const certFile = config['tls.cert_file'];
  const keyFile = config['tls.key_file'];
  if (certFile === undefined || keyFile === undefined) return undefined;
  return { cert: readPem('tls.cert_file', certFile), key: readPem('tls.key_file', keyFile) };
}

function readPem(key: string, path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new WindrowError('config', `${key}: ${messageOf(error)}`, { cause: error });
  }
}

export interface Address {
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  readonly secure: boolean;
}

/**
 * @returns the port that it is, and the address to show
 * @throws WindrowError (port_in_use, config) that names the setting to change
 */
export async function listen(
  server: FastifyInstance,
  { host, port, secure }: Address,
): Promise<{ readonly port: number; readonly url: string }> {
  try {
    await server.listen({ host, port });
  } catch (error) {
    throw listenError(error, host, port);
  }
  const address = server.server.address();
  const taken = typeof address === 'object' && address !== null ? address.port : port;
  return { port: taken, url: urlOf({ host, port: taken, secure }) };
}

function listenError(error: unknown, host: string, port: number): unknown {
  switch (systemCodeOf(error)) {
    case 'EADDRINUSE':
      return new WindrowError('port_in_use', `port ${port} is already in use on ${host}`, {
        cause: error,
        hint: 'Another collector may be running; stop it, or choose another port with --port (port).',
      });
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return new WindrowError('config', `${host} is no address of this machine`, {
        cause: error,
        hint: 'Choose one with --listen (listen): 127.0.0.1, or 0.0.0.0 for the whole network.',
      });
    case 'EACCES':
      return new WindrowError('config', `this user may not listen on port ${port}`, {
        cause: error,
        hint: 'Choose a port above 1023 with --port (port).',
      });
    default:
      return error;
  }
}

/** A person opens localhost, not 127.0.0.1, and not 0.0.0.0. */
export function urlOf({ host, port, secure }: Address): string {
  const shown = host === '127.0.0.1' || host === '::1' ? 'localhost' : reachableHost(host);
  return `${secure ? 'https' : 'http'}://${shown}:${port}`;
}
