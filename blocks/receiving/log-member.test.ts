import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished, vi } from 'vitest';
import { systemClock } from '../../runtime/clock.ts';
import { createKeptLog } from '../../runtime/testing/kept-log.ts';
import { createManualClock } from '../../runtime/testing/manual-clock.ts';
import { rawChunkBytes } from '../../wire/limits.ts';
import { BLOCK_ACKS_TOPIC, type BlockAck } from '../../wire/records/block-ack.ts';
import {
  CHUNK_HEADER,
  chunkKey,
  DATA_BLOCKS_TOPIC,
  encodeChunkHeader,
} from '../../wire/records/block-chunk.ts';
import { PROCESSING_STATUS_TOPIC } from '../../wire/records/processing-status.ts';
import { createMemoryLog } from '../../wire/transport/log/memory.ts';
import { WindrowError } from '../../runtime/errors.ts';
import { LogMember, type LogMemberOptions } from './log-member.ts';
import type { IncomingChunk } from './receiver.ts';
import { chunksOf, contentOf, madeFile } from './testing/made-file.ts';
import { receiverRig } from './testing/rig.ts';
import { changedConsumer } from '../../wire/transport/log/testing/changed-consumer.ts';

const place = { topic: DATA_BLOCKS_TOPIC, partition: 0 };

interface Changes extends Partial<LogMemberOptions> {
  readonly partitions?: number;
  /** Before each commit of the member, which it may refuse. */
  readonly onCommit?: () => Promise<void>;
}

/** One partition of blocks, and a member of a group that has it. */
function scene({ partitions = 1, onCommit = async () => {}, ...given }: Changes = {}) {
  const log = createMemoryLog({
    topics: {
      [DATA_BLOCKS_TOPIC]: partitions,
      [BLOCK_ACKS_TOPIC]: 1,
      [PROCESSING_STATUS_TOPIC]: 1,
    },
    clock: systemClock,
  });
  const { receiver, folder } = receiverRig();
  const consumer: typeof log.consumer = (options) => {
    const inner = log.consumer(options);
    return changedConsumer(inner, {
      commit: (...all) => onCommit().then(() => inner.commit(...all)),
    });
  };
  const member = new LogMember({
    source: { consumer },
    producer: log.producer(),
    receiver,
    group: 'group',
    machineId: 'node-1',
    clock: systemClock,
    log: createKeptLog().log,
    ...given,
  });
  const stopping = new AbortController();
  const start = () => {
    const running = member.run(stopping.signal);
    const stop = (): Promise<void> => {
      stopping.abort();
      return running;
    };
    onTestFinished(stop);
    return stop;
  };
  const append = (
    { chunk, payload }: IncomingChunk,
    change: { header?: string; partition?: number } = {},
  ): number =>
    log.append({
      ...place,
      partition: change.partition ?? place.partition,
      key: Buffer.from(chunkKey(chunk)),
      value: Buffer.from(payload),
      headers: new Map([[CHUNK_HEADER, Buffer.from(change.header ?? encodeChunkHeader(chunk))]]),
    });
  const acks = (): BlockAck[] =>
    log.records(BLOCK_ACKS_TOPIC).map(({ value }) => JSON.parse(String(value)) as BlockAck);
  return { log, member, folder, start, append, acks };
}

it('what is no block or cannot be read stops nothing: whose it is hears why, and all behind it is stored', async () => {
  const { log, member, folder, start, append, acks } = scene();
  const good = madeFile({ path: 'good', content: contentOf(rawChunkBytes + 5) });
  const bad = madeFile({ path: 'bad', content: contentOf(10, 2) });
  const holed = madeFile({ path: 'holed', content: contentOf(rawChunkBytes + 9, 3) });
  const [first, last] = chunksOf(good, 0);
  const [wrong] = chunksOf(bad, 0);
  const [, end] = chunksOf(holed, 0);
  if (!first || !last || !wrong || !end) throw new Error('chunks');
  log.append({ ...place, value: Buffer.from('no chunk') });
  log.append(place);
  append(first);
  log.spoil(place, 'a batch is broken');
  append(wrong, { header: encodeChunkHeader(wrong.chunk).replace('"v":1', '"v":2') });
  append({ ...wrong, payload: wrong.payload.map((byte) => byte ^ 1) });
  // What came before it lay in what cannot be read.
  log.spoil(place, 'a batch is broken');
  append(end);
  const offset = append(last);
  const stop = start();
  await vi.waitFor(() => expect(acks()).toHaveLength(4), { timeout: 10_000, interval: 10 });
  await stop();
  expect(log.committed('group')).toMatchObject([{ offset: offset + 1 }]);
  expect(acks().map(({ file_name, success, reason }) => [file_name, success, reason])).toEqual([
    ['bad', false, expect.stringContaining('v: ')],
    ['bad', false, 'the checksum of a chunk is another'],
    ['holed', false, 'the receiver does not have what came before'],
    ['good', true, undefined],
  ]);
  const stored = join(folder, 'processed_data_node-1', 'good', 'block_0000.bin');
  expect(readFileSync(stored).equals(good.content)).toBe(true);
  expect(existsSync(join(folder, 'processed_data_node-1', 'bad'))).toBe(false);
  expect(member.malformed).toBe(5);
});

it('ends in time though what it was doing waits for ever, as a status for brokers that are away', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  onTestFinished(() => void vi.useRealTimers());
  let statuses = 0;
  const send = (): Promise<void> => {
    statuses += 1;
    return new Promise(() => {});
  };
  const { start } = scene({ producer: { send, close: async () => {} } });
  const stop = start();
  await vi.advanceTimersByTimeAsync(5_000);
  expect(statuses).toBe(1);
  const ended = vi.fn();
  void stop().then(ended);
  await vi.advanceTimersByTimeAsync(10_000);
  expect(ended).toHaveBeenCalledOnce();
});

it('leaves the group though a block is held up for ever: it is given up before', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'], shouldAdvanceTime: true });
  onTestFinished(() => void vi.useRealTimers());
  const { promise: held, reject } = Promise.withResolvers<never>();
  held.catch(() => {});
  const { receiver } = receiverRig();
  const take = vi.spyOn(receiver, 'take').mockReturnValue(held);
  const { log, start, append } = scene({
    receiver,
    partitions: 2,
    giveUp: async () => reject(new WindrowError('aborted', 'ended', { retryable: true })),
  });
  const [chunk] = chunksOf(madeFile(), 0);
  if (chunk === undefined) throw new Error('a chunk');
  for (const partition of [0, 1]) append(chunk, { partition });
  const stop = start();
  await vi.waitFor(() => expect(take).toHaveBeenCalledTimes(2), { timeout: 10_000, interval: 5 });
  // One partition goes to another: that waits until nothing is done with its block.
  const left = new AbortController();
  onTestFinished(() => left.abort());
  const other = log.consumer({ group: 'group', member: 'other', topics: [DATA_BLOCKS_TOPIC] });
  void other.run({ assigned: async () => {}, take: async () => {} }, left.signal);
  await vi.advanceTimersByTimeAsync(100);
  const stopped = stop();
  stopped.catch(() => {});
  await vi.advanceTimersByTimeAsync(12_000);
  await expect(stopped).resolves.toBeUndefined();
});

/** With fake timers: time passes when the test says so. */
function committingScene(onCommit: () => Promise<void>) {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  onTestFinished(() => void vi.useRealTimers());
  const clock = createManualClock();
  const { log: logger, lines } = createKeptLog();
  const { log, start } = scene({ onCommit, clock, log: logger });
  const pass = async (seconds: number): Promise<void> => {
    for (let second = 0; second < seconds; second += 1) {
      clock.advance(1_000);
      await vi.advanceTimersByTimeAsync(1_000);
    }
  };
  /** Passed by, so that there is an offset to commit. */
  const appendNoChunk = (): number => log.append({ ...place, value: Buffer.from('no chunk') });
  return { log, lines, start, pass, appendNoChunk };
}

it('offsets that cannot be committed are told once, with what mends it, and when they can be again', async () => {
  const hint = 'Allow Read on the group';
  const denied = new WindrowError('unauthorized', 'not allowed', { retryable: true, hint });
  let isAllowed = false;
  const { log, lines, start, pass, appendNoChunk } = committingScene(async () => {
    if (!isAllowed) throw denied;
  });
  const told = () => lines.filter(({ msg }) => msg.startsWith('offsets are'));
  const stop = start();
  const offset = appendNoChunk();
  await pass(40);
  expect(told()).toEqual([]);
  await pass(80);
  const late = { level: 'warn', error: 'not allowed', hint };
  expect(told()).toMatchObject([late]);
  expect(log.committed('group')).toEqual([]);
  isAllowed = true;
  await pass(2);
  expect(told()).toMatchObject([late, { level: 'info', msg: 'offsets are committed again' }]);
  expect(log.committed('group')).toMatchObject([{ offset: offset + 1 }]);
  await stop();
});

it('at a stop the last offsets wait for a commit that is on its way: none overtakes another', async () => {
  const answer = Promise.withResolvers<void>();
  let commits = 0;
  const { log, start, pass, appendNoChunk } = committingScene(() => {
    commits += 1;
    return answer.promise;
  });
  const stop = start();
  appendNoChunk();
  await pass(2);
  expect(commits).toBe(1);
  const offset = appendNoChunk();
  await pass(2);
  const stopped = stop();
  await pass(1);
  expect(commits).toBe(1);
  answer.resolve();
  await stopped;
  expect(commits).toBe(2);
  expect(log.committed('group')).toMatchObject([{ offset: offset + 1 }]);
});
