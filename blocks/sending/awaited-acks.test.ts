import { expect, it, onTestFinished, vi } from 'vitest';
import type { BlockAck } from '../../wire/records/block-ack.ts';
import { AwaitedAcks } from './awaited-acks.ts';

const { signal: never } = new AbortController();
const longMs = 60_000;
const block = { transferId: 'ab', fileName: 'file', blockNumber: 3 };
/** Of the old system. */
const old: BlockAck = {
  file_name: 'file',
  block_number: 3,
  machine_id: 'r',
  success: true,
  timestamp: 1,
};
const ours: BlockAck = { ...old, transfer_id: 'ab' };

it('an acknowledgment that comes before anybody waits is not lost', async () => {
  const acks = new AwaitedAcks();
  using awaited = acks.expect(block);
  acks.take(ours);
  expect(await awaited.within(longMs, never)).toBe(ours);
});

it('of a file that is named twice it is for all who wait for that block', async () => {
  const acks = new AwaitedAcks();
  using one = acks.expect(block);
  using other = acks.expect(block);
  acks.take(ours);
  expect([one.ack, other.ack]).toEqual([ours, ours]);
});

it('one that does not come is given up in time', async () => {
  using awaited = new AwaitedAcks().expect(block);
  expect(await awaited.within(1, never)).toBeUndefined();
});

it('while others come it is waited for: the receivers are at work', async () => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const acks = new AwaitedAcks();
  using awaited = acks.expect(block);
  using other = acks.expect({ ...block, blockNumber: 4 });
  const given: unknown[] = [];
  void awaited.within(longMs, never).then((ack) => given.push(ack));
  await vi.advanceTimersByTimeAsync(longMs - 1);
  acks.take({ ...ours, block_number: 4 });
  expect(await other.within(longMs, never)).toMatchObject({ block_number: 4 });
  await vi.advanceTimersByTimeAsync(longMs - 1);
  expect(given).toEqual([]);
  await vi.advanceTimersByTimeAsync(1);
  expect(given).toEqual([undefined]);
});

it('a stop ends the waiting', async () => {
  using awaited = new AwaitedAcks().expect(block);
  const waiting = awaited.within(longMs, AbortSignal.timeout(1));
  await expect(waiting).rejects.toMatchObject({ code: 'aborted' });
});

it.each<[string, Partial<BlockAck>]>([
  ['block', { block_number: 4 }],
  ['transfer', { transfer_id: 'cd' }],
])('the acknowledgment of another %s is not taken for this one', async (_, other) => {
  const acks = new AwaitedAcks();
  using awaited = acks.expect(block);
  acks.take({ ...ours, ...other });
  expect(await awaited.within(1, never)).toBeUndefined();
});

it('an acknowledgment of the old system is known by file and block', async () => {
  const acks = new AwaitedAcks();
  using awaited = acks.expect(block);
  acks.take(old);
  expect(await awaited.within(longMs, never)).toBe(old);
});

it('one of the old system that may be of two files of one name is of neither', async () => {
  const acks = new AwaitedAcks();
  using one = acks.expect(block);
  using other = acks.expect({ ...block, transferId: 'cd' });
  acks.take(old);
  expect(await one.within(1, never)).toBeUndefined();
  expect(await other.within(1, never)).toBeUndefined();
});
