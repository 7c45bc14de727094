import { constants, PerformanceObserver } from 'node:perf_hooks';
import { expect, it, onTestFinished, vi } from 'vitest';
import { unlessAborted } from '../../../runtime/unless-aborted.ts';
import type { BlockChunk } from '../../records/block-chunk.ts';
import { rawChunkBytes } from '../../limits.ts';
import { LogBlockCarrier } from './blocks.ts';
import type { Log, NewLogRecord } from './port.ts';

const { signal: never } = new AbortController();

interface OnItsWay {
  readonly producer: number;
  readonly key: string;
  readonly end: () => void;
}

/**
 * A log that takes a record when the test says so; a producer has one on its way at a time.
 * @param looking until when its topics are looked at
 */
function slowLog(looking: Promise<void> = Promise.resolve()) {
  const onTheirWay: OnItsWay[] = [];
  let producers = 0;
  const log: Pick<Log, 'producer' | 'reader' | 'admin'> = {
    producer() {
      const producer = producers++;
      let last = Promise.resolve();
      const send = async (
        [record]: readonly NewLogRecord[],
        signal: AbortSignal,
      ): Promise<void> => {
        last = last.then(() => {
          const { promise, resolve } = Promise.withResolvers<void>();
          const one = {
            producer,
            key: record?.key ?? '',
            end() {
              onTheirWay.splice(onTheirWay.indexOf(one), 1);
              resolve();
            },
          };
          onTheirWay.push(one);
          return promise;
        });
        await unlessAborted(last, signal, 'sending');
      };
      return { send, close: async () => {} };
    },
    reader: () => ({ end: async () => [], follow: async () => {} }),
    admin: () => ({
      ensure: async () => {},
      async partitions(_, signal) {
        await unlessAborted(looking, signal, 'looking at topics');
        return new Map();
      },
      hasMember: async () => false,
      checks: () => [],
      close: async () => {},
    }),
  };
  return {
    carrier: new LogBlockCarrier({ log: log as Log, target: 'log', topics: [] }),
    onTheirWay,
  };
}

function chunkOf(blockNumber: number, chunk = 0, fileNumber = 0): BlockChunk {
  return {
    v: 1,
    transfer_id: `${fileNumber}`.padStart(8, '0').padEnd(32, 'a'),
    sender: 'pc',
    file_name: 'file',
    path: 'file',
    file_size_bytes: 100 * rawChunkBytes,
    block_bytes: 4 * rawChunkBytes,
    total_blocks: 25,
    block_number: blockNumber,
    start_offset: blockNumber * 4 * rawChunkBytes,
    end_offset: (blockNumber + 1) * 4 * rawChunkBytes,
    chunk,
    raw_bytes: rawChunkBytes,
    encoding: 'raw',
    crc32: '00000000',
    sent_at: 1,
  };
}

const outgoing = (record: BlockChunk) => ({ record, payload: new Uint8Array(10) });

it.each([
  ['blocks', (number: number) => chunkOf(number)],
  ['files', (number: number) => chunkOf(0, 0, number)],
])('of several %s three chunks are on their way at once, and no more', async (_, chunk) => {
  const { carrier, onTheirWay } = slowLog();
  const sending = [0, 1, 2, 3, 4, 5].map((number) => carrier.send(outgoing(chunk(number)), never));
  await vi.waitFor(() => expect(onTheirWay).toHaveLength(3));
  const [first] = onTheirWay;
  first?.end();
  await vi.waitFor(() => expect(onTheirWay).toHaveLength(3));
  while (onTheirWay.length > 0) {
    onTheirWay[0]?.end();
    await new Promise(setImmediate);
  }
  expect(await Promise.all(sending)).toEqual(sending.map(() => ({ nextChunk: 1 })));
});

it('all chunks of a block go by one producer, which keeps their order', async () => {
  const { carrier, onTheirWay } = slowLog();
  const producers = new Set<number>();
  for (const chunk of [0, 1, 2, 3]) {
    const sending = carrier.send(outgoing(chunkOf(7, chunk)), never);
    await vi.waitFor(() => expect(onTheirWay).toHaveLength(1));
    producers.add(onTheirWay[0]?.producer ?? -1);
    onTheirWay[0]?.end();
    await sending;
  }
  expect(producers.size).toBe(1);
});

it('a chunk that is on its way when the sending is aborted is in use until it has ended', async () => {
  const { carrier, onTheirWay } = slowLog();
  const stop = new AbortController();
  let hasEnded = false;
  const sending = carrier.send(outgoing(chunkOf(0)), stop.signal).then(() => {
    hasEnded = true;
  });
  await vi.waitFor(() => expect(onTheirWay).toHaveLength(1));
  stop.abort();
  await new Promise(setImmediate);
  expect(hasEnded).toBe(false);
  onTheirWay[0]?.end();
  await sending;
});

it('what waits behind a producer when the sending is aborted is not sent', async () => {
  const { carrier, onTheirWay } = slowLog();
  const stop = new AbortController();
  const first = carrier.send(outgoing(chunkOf(0)), stop.signal);
  const second = carrier.send(outgoing(chunkOf(0, 1)), stop.signal);
  await vi.waitFor(() => expect(onTheirWay).toHaveLength(1));
  stop.abort();
  onTheirWay[0]?.end();
  await first;
  // Were it sent, it would stay on its way: nobody ends it.
  await expect(second).rejects.toMatchObject({ code: 'aborted' });
  expect(onTheirWay).toEqual([]);
});

it('a chunk that is wanted no longer while topics are looked at ends alone; the others are sent', async () => {
  const looking = Promise.withResolvers<void>();
  const { carrier, onTheirWay } = slowLog(looking.promise);
  const stop = new AbortController();
  const first = carrier.send(outgoing(chunkOf(0, 0, 1)), stop.signal);
  const second = carrier.send(outgoing(chunkOf(0, 0, 2)), never);
  stop.abort();
  await expect(first).rejects.toMatchObject({ code: 'aborted' });
  looking.resolve();
  await vi.waitFor(() => expect(onTheirWay).toHaveLength(1));
  onTheirWay[0]?.end();
  expect(await second).toEqual({ nextChunk: 1 });
});

it('a carrier that is closed while topics are looked at looks no longer', async () => {
  const { carrier } = slowLog(new Promise(() => {}));
  const sending = carrier.send(outgoing(chunkOf(0)), never);
  const closing = carrier.close();
  await expect(sending).rejects.toMatchObject({ code: 'aborted' });
  await closing;
});

it('all garbage is collected before the first chunk, and each 480 MiB', async () => {
  const { carrier, onTheirWay } = slowLog();
  const collected = collectionsOfAll();
  const payload = new Uint8Array(64 * rawChunkBytes);
  for (let chunk = 0; chunk < 8; chunk += 1) {
    const sending = carrier.send({ record: chunkOf(0, chunk), payload }, never);
    await vi.waitUntil(() => onTheirWay.length === 1, { interval: 0 });
    if (chunk === 6) await vi.waitFor(() => expect(collected()).toBe(1));
    onTheirWay[0]?.end();
    await sending;
  }
  await vi.waitFor(() => expect(collected()).toBe(2));
});

/** That somebody asked for. */
function collectionsOfAll(): () => number {
  let count = 0;
  const observer = new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
      const { kind, flags } = (entry as unknown as { readonly detail: Detail }).detail;
      const isForced = (flags & constants.NODE_PERFORMANCE_GC_FLAGS_FORCED) !== 0;
      if (kind === constants.NODE_PERFORMANCE_GC_MAJOR && isForced) count += 1;
    }
  });
  observer.observe({ entryTypes: ['gc'] });
  onTestFinished(() => observer.disconnect());
  return () => count;
}

/** Of a collection; Node's types do not have it. */
interface Detail {
  readonly kind: number;
  readonly flags: number;
}
