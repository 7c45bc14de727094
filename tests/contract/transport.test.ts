/** What every transport's sending end must do, whatever is in between. One suite, all adapters. */
import { readFileSync } from 'node:fs';
import Fastify, { type FastifyInstance } from 'fastify';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { WindrowError } from '../../runtime/errors.ts';
import type { Batch, BatchAck, DecodedBatch } from '../../wire/records/batch.ts';
import { DirectClient } from '../../wire/transport/direct/client.ts';
import { directServer } from '../../wire/transport/direct/server.ts';
import { createMemorySender } from '../../wire/transport/memory.ts';
import type { BatchReceiver, BatchSender } from '../../wire/transport/port.ts';
import { type Certificates, makeCertificates } from '../support/certificates.ts';
import { type TempDir, tempDir } from '../support/programs.ts';

const now = Date.UTC(2026, 0, 1);
const ack: BatchAck = { stored: 1, duplicates: 2, quarantined: 3, now };

function batchOf(seq: number): Batch {
  return {
    header: {
      v: 1,
      sent_at: now,
      server_id: 'Ärger-1',
      boot_id: 'boot',
      pending_from_ms: 5,
      oldest_outstanding_seq: seq,
    },
    records: [{ topic: 't', key: 'k', timeMs: 7, value: { seq, text: 'ü\n"' } }],
  };
}

const never = new AbortController().signal;

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

type Connect = (receive: BatchReceiver) => Promise<BatchSender>;

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
  async function connected(receive: BatchReceiver): Promise<BatchSender> {
    const sender = await connect(receive);
    onTestFinished(() => sender.close());
    return sender;
  }

  /** The error with which a receiver that fails like this makes the sender fail. */
  async function failing(error: Error): Promise<unknown> {
    const sender = await connected(() => Promise.reject(error));
    return sender.send(batchOf(1), never).then(
      () => 'resolved',
      (reason: unknown) => reason,
    );
  }

  it('a batch arrives as it was sent, and its answer comes back whole', async () => {
    const received: DecodedBatch[] = [];
    const sender = await connected(async (batch, from) => {
      received.push(batch);
      expect(from.remote).not.toBe('');
      return ack;
    });
    expect(await sender.send(batchOf(1), never)).toEqual(ack);
    expect(received).toEqual([{ ...batchOf(1), malformed: [] }]);
  });

  it('a batch is not acknowledged before the receiver has it durable', async () => {
    const durable = Promise.withResolvers<BatchAck>();
    const arrived = Promise.withResolvers<void>();
    const sender = await connected(() => {
      arrived.resolve();
      return durable.promise;
    });
    let acknowledged = false;
    const sent = sender.send(batchOf(1), never).then(() => {
      acknowledged = true;
    });
    await arrived.promise;
    await new Promise((resolve) => setImmediate(resolve));
    expect(acknowledged).toBe(false);
    durable.resolve(ack);
    await sent;
    expect(acknowledged).toBe(true);
  });

  it('batches that are each awaited arrive in their order', async () => {
    const order: unknown[] = [];
    const sender = await connected(async ({ header }) => {
      order.push(header.oldest_outstanding_seq);
      return ack;
    });
    for (let seq = 0; seq < 20; seq += 1) await sender.send(batchOf(seq), never);
    expect(order).toEqual(Array.from({ length: 20 }, (_, seq) => seq));
  });

  it('a batch without records is taken like any other', async () => {
    const sender = await connected(async ({ records }) => ({ ...ack, stored: records.length }));
    const { header } = batchOf(1);
    expect((await sender.send({ header, records: [] }, never)).stored).toBe(0);
  });

  it.each(['store_unavailable', 'overloaded', 'unauthorized'] as const)(
    'a receiver that says “later” (%s) is asked again later, as long after as it says',
    async (code) => {
      const later = new WindrowError(code, 'not now', { retryable: true, retryAfterMs: 3_000 });
      const error = await failing(later);
      expect(error).toBeInstanceOf(WindrowError);
      expect(error).toMatchObject({ code, retryable: true, retryAfterMs: 3_000 });
      expect(String(error)).toContain('not now');
    },
  );

  it.each(['refused', 'input'] as const)(
    'a receiver that says “never” (%s) is not asked again',
    async (code) => {
      const error = await failing(new WindrowError(code, 'not this'));
      expect(error).toBeInstanceOf(WindrowError);
      expect(error).toMatchObject({ code: 'refused', retryable: false });
      expect(String(error)).toContain('not this');
    },
  );

  it('a receiver that breaks is asked again: the batch is not at fault', async () => {
    const error = await failing(new TypeError('a bug of the receiver'));
    expect(error).toBeInstanceOf(WindrowError);
    expect(error).toMatchObject({ retryable: true });
  });

  it('a batch that breaks the format is refused for good and never reaches the receiver', async () => {
    let reached = false;
    const sender = await connected(async () => {
      reached = true;
      return ack;
    });
    const { header, records } = batchOf(1);
    const tooMany = Array.from({ length: 2_001 }, () => ({ value: 1 }));
    for (const batch of [
      { header: { ...header, sent_at: -1 }, records },
      { header, records: tooMany },
    ]) {
      await expect(sender.send(batch, never)).rejects.toMatchObject({
        name: 'WindrowError',
        code: 'refused',
        retryable: false,
      });
    }
    expect(reached).toBe(false);
  });

  it('aborting ends a send that hangs, as aborted; the sender is good for the next one', async () => {
    const aborting = new AbortController();
    let hangs = true;
    const sender = await connected(async () => {
      if (!hangs) return ack;
      hangs = false;
      aborting.abort();
      return Promise.withResolvers<BatchAck>().promise;
    });
    const aborted = { name: 'WindrowError', code: 'aborted', retryable: false };
    await expect(sender.send(batchOf(1), aborting.signal)).rejects.toMatchObject(aborted);
    expect(await sender.send(batchOf(2), never)).toEqual(ack);
  });

  it('a signal that has aborted already sends nothing', async () => {
    let reached = false;
    const sender = await connected(async () => {
      reached = true;
      return ack;
    });
    const sending = sender.send(batchOf(1), AbortSignal.abort());
    await expect(sending).rejects.toMatchObject({ code: 'aborted' });
    expect(reached).toBe(false);
  });

  it('closing twice is closing once', async () => {
    const sender = await connect(async () => ack);
    await sender.send(batchOf(1), never);
    await sender.close();
    await sender.close();
  });
});
