import { EventEmitter, once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { buffer } from 'node:stream/consumers';
import type { Base } from '@platformatic/kafka';
import { expect, it, onTestFinished } from 'vitest';
import { releaseWritten } from './written.ts';

/** Larger than what a socket takes at once. */
const requestBytes = 4 * 1024 * 1024;

it("a request's memory is given back when it is written, and not before", async () => {
  const { ours, theirs } = await connected();
  const client = { connections: new EventEmitter() };
  releaseWritten(client as unknown as Base);
  client.connections.emit('connect', { connection: { socket: ours } });
  const request = Buffer.alloc(requestBytes).fill('windrow');
  const expected = Buffer.from(request);
  ours.write(request);
  expect(request.length).toBe(requestBytes);
  ours.end();
  expect((await buffer(theirs)).equals(expected)).toBe(true);
  expect(request.buffer.byteLength).toBe(0);
});

async function connected(): Promise<{ ours: Socket; theirs: Socket }> {
  const server = createServer().listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  const ours = connect(port, '127.0.0.1');
  const [theirs] = (await once(server, 'connection')) as [Socket];
  onTestFinished(() => {
    ours.destroy();
    theirs.destroy();
  });
  return { ours, theirs };
}
