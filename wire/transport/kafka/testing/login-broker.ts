/** A broker that asks who is there, for the tests: it takes any password of the user `me` by PLAIN, and knows nothing else. */
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';

/** Keys of the protocol. */
const [handshake, authenticate] = [17, 36];

/** @returns the address on which it listens until the test ends */
export async function listening(server: Server): Promise<string> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => sockets.add(socket.on('error', () => {})));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/**
 * @param onLogin gets each password. @returns for how long the login is good, in ms (0: for ever);
 *   undefined to go away
 */
export function askingWho(
  onLogin: (password: string, socket: Socket) => number | undefined,
): Server {
  return createServer((socket) => {
    socket.on('data', (asked) => {
      const key = asked.readInt16BE(4);
      if (key === handshake) answer(socket, asked, Buffer.from('\0\0\0\0\0\x01\0\x05PLAIN'));
      else if (key !== authenticate) answer(socket, asked, Buffer.alloc(2));
      else {
        const goodMs = onLogin(/\0me\0([^\0]*)/.exec(asked.toString())?.[1] ?? '', socket);
        if (goodMs === undefined) socket.destroy();
        else answer(socket, asked, loggedIn(goodMs));
      }
    });
  });
}

/** Answers of SaslAuthenticate: tags, no error, no words, no bytes, the time, tags. */
function loggedIn(goodMs: number): Buffer {
  const content = Buffer.alloc(14);
  content[4] = 1;
  content.writeBigInt64BE(BigInt(goodMs), 5);
  return content;
}

/** Repeats which question it answers. */
function answer(socket: Socket, asked: Buffer, content: Buffer): void {
  const head = Buffer.alloc(4);
  head.writeInt32BE(4 + content.length);
  socket.write(Buffer.concat([head, asked.subarray(8, 12), content]));
}
