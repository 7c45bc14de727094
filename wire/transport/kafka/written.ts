/**
 * Gives the memory of requests back as soon as they are written. The library makes one buffer of each
 * request, a megabyte for a chunk of a file, and nobody has it after that. In flight it outlives what
 * the garbage collector counts as young, and then a hundred of them gather.
 */
import type { Base, Connection } from '@platformatic/kafka';
import { release } from '../../../runtime/release.ts';

/** For clients that write much: what is small lies in memory that others use too, and stays. */
export function releaseWritten(client: Base): void {
  client.connections.on('connect', (event: unknown) => {
    const { socket } = (event as { connection: Connection }).connection;
    const write = socket.write.bind(socket) as (
      request: Buffer,
      written: (error?: Error | null) => void,
    ) => boolean;
    socket.write = (request) => {
      const bytes = request as Buffer;
      return write(bytes, () => release(bytes));
    };
  });
}
