/**
 * What every transport must do, whatever is in between. `describeTransport` is for all of them;
 * `describeAnswers` for those on which the receiver answers the sender, which over a log it never
 * does; `describeLog` (log.ts) for those that can be read again and administered, which direct, where
 * the receiver is the collector itself, cannot: `describeNoLog` says so by name.
 */
import { expect, it, onTestFinished, vi } from 'vitest';
import { WindrowError } from '../../runtime/errors.ts';
import type { Batch, BatchAck, DecodedBatch } from '../../wire/records/batch.ts';
import type { BatchReceiver, BatchSender } from '../../wire/transport/port.ts';

export const now = Date.UTC(2026, 0, 1);
const ack: BatchAck = { stored: 1, duplicates: 2, quarantined: 3, now };

/** Topic of the suite's batches. */
export const TOPIC = 't';

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
    records: [{ topic: TOPIC, key: 'k', timeMs: 7, value: { seq, text: 'ü\n"' } }],
  };
}

const never = new AbortController().signal;
const arriveMsMax = 30_000;

/** Senders that lead to one receiver; closed when the test ends. */
export type Connect = (receive: BatchReceiver) => Promise<BatchSender>;

/** Without what a transport adds: where the record was found. */
function asSent({ header, records, malformed }: DecodedBatch): DecodedBatch {
  return {
    header,
    malformed,
    records: records.map(({ topic, key, timeMs, value }) => ({ topic, key, timeMs, value })),
  };
}

export function describeTransport(connect: Connect): void {
  async function connected(receive: BatchReceiver): Promise<BatchSender> {
    const sender = await connect(receive);
    onTestFinished(() => sender.close());
    return sender;
  }

  it('a batch arrives as it was sent', async () => {
    const received: DecodedBatch[] = [];
    const sender = await connected(async (batch, from) => {
      received.push(asSent(batch));
      expect(from.remote).not.toBe('');
      return ack;
    });
    await sender.send(batchOf(1), never);
    await vi.waitFor(() => {
      expect(received).toEqual([{ ...batchOf(1), malformed: [] }]);
    }, arriveMsMax);
  });

  it('batches that are each awaited arrive in their order', async () => {
    const order: unknown[] = [];
    const sender = await connected(async ({ header }) => {
      order.push(header.oldest_outstanding_seq);
      return ack;
    });
    for (let seq = 0; seq < 20; seq += 1) await sender.send(batchOf(seq), never);
    const all = Array.from({ length: 20 }, (_, seq) => seq);
    await vi.waitFor(() => expect(order).toEqual(all), arriveMsMax);
  });

  it('batches that a new sender is given side by side all arrive', async () => {
    const seen = new Set<unknown>();
    const sender = await connected(async ({ header }) => {
      seen.add(header.oldest_outstanding_seq);
      return ack;
    });
    const all = Array.from({ length: 20 }, (_, seq) => seq);
    await Promise.all(all.map((seq) => sender.send(batchOf(seq), never)));
    await vi.waitFor(() => expect(seen).toEqual(new Set(all)), arriveMsMax);
  });

  it('a batch without records is taken like any other', async () => {
    const sender = await connected(async ({ records }) => ({ ...ack, stored: records.length }));
    const { header } = batchOf(1);
    expect((await sender.send({ header, records: [] }, never)).stored).toBe(0);
  });

  it('a batch of more records than the wire takes is refused for good', async () => {
    const sender = await connected(async () => ack);
    const { header } = batchOf(1);
    const records = Array.from({ length: 2_001 }, () => ({ topic: TOPIC, key: 'k', value: 1 }));
    await expect(sender.send({ header, records }, never)).rejects.toMatchObject({
      name: 'WindrowError',
      code: 'refused',
      retryable: false,
    });
  });

  it('a signal that has aborted already sends nothing', async () => {
    const received: unknown[] = [];
    const sender = await connected(async ({ header }) => {
      received.push(header.oldest_outstanding_seq);
      return ack;
    });
    const sending = sender.send(batchOf(1), AbortSignal.abort());
    await expect(sending).rejects.toMatchObject({ code: 'aborted' });
    await sender.send(batchOf(2), never);
    await vi.waitFor(() => expect(received).toEqual([2]), arriveMsMax);
  });

  it('a batch that the receiver could not deal with comes again', async () => {
    let isFirst = true;
    const received: unknown[] = [];
    const sender = await connected(async ({ header }) => {
      if (isFirst) {
        isFirst = false;
        throw new WindrowError('store_unavailable', 'not now', { retryable: true });
      }
      received.push(header.oldest_outstanding_seq);
      return ack;
    });
    // Where the receiver answers, the sender sends again; where not, the receiver reads again.
    const sending = sender.send(batchOf(1), never);
    await sending.catch(() => sender.send(batchOf(1), never));
    await vi.waitFor(() => expect(received).toEqual([1]), arriveMsMax);
  });

  it('closing twice is closing once', async () => {
    const sender = await connect(async () => ack);
    await sender.send(batchOf(1), never);
    await sender.close();
    await sender.close();
  });
}

export function describeAnswers(connect: Connect): void {
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

  it('the answer comes back whole', async () => {
    const sender = await connected(async () => ack);
    expect(await sender.send(batchOf(1), never)).toEqual(ack);
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
}

/** For those that only send: what they gained beside it would have to keep `describeLog`. */
export function describeNoLog(connect: Connect): void {
  it.each(['producer', 'consumer', 'reader', 'admin'])(
    'has no %s: there is no log to be read again or administered',
    async (end) => {
      const sender = await connect(async () => ack);
      onTestFinished(() => sender.close());
      expect(sender).not.toHaveProperty(end);
    },
  );

  it('what was acknowledged comes to nobody again, whoever receives next', async () => {
    const received: unknown[] = [];
    const receive: BatchReceiver = async ({ header }) => {
      received.push(header.oldest_outstanding_seq);
      return ack;
    };
    const first = await connect(receive);
    await first.send(batchOf(1), never);
    await first.close();
    const second = await connect(receive);
    onTestFinished(() => second.close());
    await second.send(batchOf(2), never);
    expect(received).toEqual([1, 2]);
  });
}
