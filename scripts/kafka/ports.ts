/** Ports on loopback for processes that are told theirs before they start. */
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { WindrowError } from '../../runtime/errors.ts';

/**
 * Below what systems give to outgoing connections (Linux: from 32768): nobody takes the port of a
 * broker that is down and comes back.
 */
export const allPorts: PortRange = { lowest: 20_000, count: 12_000 };
const triesMax = 1_000;

export interface PortRange {
  readonly lowest: number;
  readonly count: number;
}

/** @returns so many different ports, each free a moment ago */
export async function freePorts(count: number, from = allPorts): Promise<number[]> {
  const held = new Map<number, Server>();
  try {
    for (let tries = 0; held.size < count; tries += 1) {
      if (tries === triesMax) {
        throw new WindrowError('port_in_use', `no ${count} free ports on 127.0.0.1`, {
          hint: `All of ${triesMax} between ${from.lowest} and ${from.lowest + from.count} that were tried are in use.`,
        });
      }
      const port = from.lowest + Math.floor(Math.random() * from.count);
      const server = held.has(port) ? undefined : await listenOn(port);
      if (server !== undefined) held.set(port, server);
    }
    return [...held.keys()];
  } finally {
    for (const server of held.values()) await close(server);
  }
}

export async function isFree(port: number): Promise<boolean> {
  const server = await listenOn(port);
  if (server !== undefined) await close(server);
  return server !== undefined;
}

async function listenOn(port: number): Promise<Server | undefined> {
  const server = createServer().listen(port, '127.0.0.1');
  try {
    await once(server, 'listening');
    return server;
  } catch {
    return undefined;
  }
}

async function close(server: Server): Promise<void> {
  server.close();
  await once(server, 'close');
}
