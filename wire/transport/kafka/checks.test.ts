/** What `doctor` prints of the brokers where something else listens at their address. */
import { once } from 'node:events';
import { createServer as createWebServer } from 'node:http';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type TlsOptions } from 'node:tls';
import { expect, it, vi } from 'vitest';
import { runChecks } from '../../../runtime/doctor.ts';
import { selfSigned } from '../../../runtime/testing/certificates.ts';
import { kafkaChecks } from './checks.ts';

const nothing = { topics: [] };
const handshakeFailure = Buffer.from([21, 3, 3, 0, 2, 2, 40]);

interface Listening extends AsyncDisposable {
  readonly address: string;
}

async function listening(server: Server): Promise<Listening> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => sockets.add(socket.on('error', () => {})));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

/** Does `onBytes` with each connection that something came from. */
function hearing(onBytes: (socket: Socket, bytes: Buffer) => unknown): Server {
  return createServer((socket) => socket.on('data', (bytes) => onBytes(socket, bytes)));
}

/** Repeats which question it answers, as every broker does, and then ends the connection. */
function answer(socket: Socket, asked: Buffer): unknown {
  // As brokers do with a length that no request has; TLS begins so.
  if (asked.readInt32BE(0) > 1_000_000) return socket.destroy();
  const bytes = Buffer.alloc(10);
  bytes.writeInt32BE(6, 0);
  asked.copy(bytes, 4, 8, 12);
  return socket.end(bytes);
}

function broker(): Server {
  return hearing(answer);
}

function tlsBroker(options: TlsOptions): Server {
  return createTlsServer(options, (socket) => {
    socket.on('error', () => {}).on('data', (bytes) => answer(socket, bytes));
  });
}

/** @returns what is printed, and whether all is well */
async function doctor(brokers: readonly string[], withTls = false, ca?: string) {
  const tls = withTls ? { ca: () => ca } : undefined;
  const settings = { brokers, clientId: 'test', tls, sasl: undefined };
  const lines: string[] = [];
  const isGood = await runChecks(kafkaChecks(settings, nothing, nothing), (line) => {
    lines.push(line.trimEnd());
  });
  return { lines, isGood };
}

/** A limit that would pass in 10 s has passed when `asked` resolves. */
function late(asked: Promise<void>): Disposable {
  const timeout = vi.spyOn(AbortSignal, 'timeout').mockImplementation(() => {
    const stopping = new AbortController();
    void asked.then(() => stopping.abort());
    return stopping.signal;
  });
  return { [Symbol.dispose]: () => timeout.mockRestore() };
}

const advice =
  '                → Start the brokers, or check host and port in --kafka (brokers), kafka.tls, the firewall and what forwards ports on the way.';
const rest = ['login', 'cluster', 'rights', 'topics', 'files', 'clock'];
const unchecked = rest.map((name) => `-     ${name.padEnd(9)} not checked`);
const uncheckedWithTls = ['-     handshake not checked', ...unchecked];

it.each([
  [
    'closes at once',
    () => createServer((socket) => socket.destroy()),
    'no Kafka broker answers there: it closes connections',
  ],
  [
    'closes when it is asked',
    () => hearing((socket) => socket.end()),
    'no Kafka broker answers there: it closes connections',
  ],
  [
    'is a web server',
    () => createWebServer(),
    'what answers there is no Kafka broker, but a web server',
  ],
  [
    'says something of its own',
    () => hearing((socket) => socket.write('SSH-2.0-OpenSSH_9.2\r\n')),
    'what answers there is no Kafka broker',
  ],
  [
    'answers a question that nobody asked',
    () => hearing((socket) => socket.write(Buffer.alloc(64, 7))),
    'what answers there is no Kafka broker',
  ],
])(
  'what takes connections and %s is told to be no broker, with and without TLS',
  async (_, create, trouble) => {
    await using server = await listening(create());
    const line = `FAIL  brokers   ${server.address}: ${trouble}`;
    expect(await doctor([server.address])).toEqual({
      isGood: false,
      lines: [line, advice, ...unchecked],
    });
    expect(await doctor([server.address], true)).toEqual({
      isGood: false,
      lines: [line, advice, ...uncheckedWithTls],
    });
  },
);

it.each([
  [false, unchecked],
  [true, uncheckedWithTls],
])(
  'what takes connections and says nothing is given up, and told to be no broker; with TLS: %s',
  async (withTls, others) => {
    const asked = Promise.withResolvers<void>();
    await using server = await listening(hearing(() => asked.resolve()));
    using _ = late(asked.promise);
    expect(await doctor([server.address], withTls)).toEqual({
      isGood: false,
      lines: [
        `FAIL  brokers   ${server.address}: no Kafka broker answers there: it takes connections and answers nothing`,
        advice,
        ...others,
      ],
    });
  },
);

it('one of two that is no broker is a warning, and the way through the other one is looked at', async () => {
  await using web = await listening(createWebServer());
  await using other = await listening(broker());
  const { lines, isGood } = await doctor([web.address, other.address]);
  expect(isGood).toBe(false);
  expect(lines[0]).toBe(
    `WARN  brokers   ${web.address}: what answers there is no Kafka broker, but a web server`,
  );
  expect(lines.find((line) => line.startsWith('FAIL'))).toMatch(/^FAIL {2}login /);
});

it('a listener that speaks TLS is one, and the setting is named that it needs', async () => {
  await using server = await listening(hearing((socket) => socket.end(handshakeFailure)));
  const { lines } = await doctor([server.address]);
  expect(lines[0]).toBe(`OK    brokers   ${server.address} can be reached`);
  expect(lines[1]).toBe('FAIL  login     no login: the broker speaks TLS there');
  expect(lines[2]).toContain('Check kafka.tls');
});

it('a broker that speaks no TLS is one, and the setting is named that it does not need', async () => {
  await using server = await listening(broker());
  const { lines } = await doctor([server.address], true);
  expect(lines[0]).toBe(`OK    brokers   ${server.address} can be reached`);
  expect(lines[1]).toBe('FAIL  handshake no TLS connection: the broker speaks no TLS there');
  expect(lines[2]).toContain('Check kafka.tls');
});

it.each([
  [
    [1, 2],
    'is not valid yet',
    "Most likely this machine's clock is behind: set it, best by NTP. If it is right, renew the certificate at the broker.",
  ],
  [
    [-2, -1],
    'has expired',
    "Renew it at the broker. If it has not ended yet, this machine's clock is ahead: set it, best by NTP.",
  ],
] as const)(
  'a certificate for %j days from now may be for a wrong clock here',
  async ([from, until], what, hint) => {
    const { cert, key } = selfSigned(from, until);
    await using server = await listening(tlsBroker({ cert, key }));
    const { lines } = await doctor([server.address], true, cert);
    expect(lines.slice(0, 3)).toEqual([
      `OK    brokers   ${server.address} can be reached`,
      `FAIL  handshake no TLS connection: the broker's certificate ${what}`,
      `                → ${hint} Asked: ${server.address}.`,
    ]);
  },
);
