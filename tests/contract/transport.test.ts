import { readFileSync } from 'node:fs';
import Fastify, { type FastifyInstance } from 'fastify';
import { afterAll, beforeAll, describe, onTestFinished } from 'vitest';
import { systemClock } from '../../runtime/clock.ts';
import { DirectClient } from '../../wire/transport/direct/client.ts';
import { directServer } from '../../wire/transport/direct/server.ts';
import { createMemoryLog } from '../../wire/transport/log/memory.ts';
import { createMemorySender } from '../../wire/transport/memory.ts';
import type { BatchReceiver } from '../../wire/transport/port.ts';
import { type Certificates, makeCertificates } from '../support/certificates.ts';
import { type TempDir, tempDir } from '../support/programs.ts';
import { connectByLog } from './by-log.ts';
import { type Connect, describeAnswers, describeNoLog, describeTransport } from './transport.ts';

let folder: TempDir;
let certificates: Certificates;
beforeAll(() => {
  folder = tempDir();
  certificates = makeCertificates(folder.path);
});
afterAll(() => folder[Symbol.dispose]());

async function listening(server: FastifyInstance, receive: BatchReceiver): Promise<string> {
  await server.register(directServer, { receive });
  onTestFinished(() => server.close());
  return server.listen({ host: '127.0.0.1', port: 0 });
}

const adapters: readonly (readonly [string, Connect])[] = [
  ['memory', async (receive) => createMemorySender(receive)],
  ['direct', async (receive) => new DirectClient({ url: await listening(Fastify(), receive) })],
  [
    'direct over TLS',
    async (receive) => {
      const { ca, cert, key } = certificates;
      const https = { cert: readFileSync(cert), key: readFileSync(key) };
      const server = Fastify({ https }) as unknown as FastifyInstance;
      const url = await listening(server, receive);
      return new DirectClient({ url, ca: readFileSync(ca, 'utf8') });
    },
  ],
];

describe.each(adapters)('%s', (_, connect) => {
  describeTransport(connect);
  describeAnswers(connect);
  describeNoLog(connect);
});

describe('a log in memory', () => {
  describeTransport((receive) => connectByLog(createMemoryLog({ clock: systemClock }), receive));
});
