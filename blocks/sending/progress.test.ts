import { expect, it } from 'vitest';
import { blockBytesMin } from '../../wire/limits.ts';
import { planTransfer, type Transfer } from './plan.ts';
import { countAll, nothing, Progress } from './progress.ts';
import type { Found } from './scan.ts';

const startMs = 5_500;

function transferOf(blocks: number): Transfer {
  const version = { sizeBytes: blocks * blockBytesMin, mtimeNs: 1n, inode: 1n };
  const file = { path: '/file', relativePath: 'file', version };
  return planTransfer(file, { sender: 'pc', blockBytes: blockBytesMin });
}

function progressOf(bytes: number): Progress {
  return new Progress({ files: 1, blocks: 1, bytes }, startMs);
}

function chunk(bytes: number) {
  return { kind: 'chunk', rawBytes: bytes, payloadBytes: bytes / 2 } as const;
}

it('what there is to send is counted, an empty file as one block', async () => {
  const fileOf = (sizeBytes: number): Found => {
    const version = { sizeBytes, mtimeNs: 1n, inode: 1n };
    return { kind: 'file', file: { path: '/f', relativePath: 'f', version } };
  };
  async function* found(): AsyncGenerator<Found> {
    yield fileOf(0);
    yield fileOf(blockBytesMin + 1);
    yield { kind: 'failed', path: '/x', reason: 'is not there' };
  }
  const amount = nothing();
  await countAll(found(), blockBytesMin, amount);
  expect(amount).toEqual({ files: 2, blocks: 3, bytes: blockBytesMin + 1 });
});

it('what earlier runs have sent counts as done, and not as speed', () => {
  const progress = progressOf(3 * blockBytesMin);
  progress.take(
    {
      kind: 'begun',
      transfer: transferOf(3),
      acknowledged: { blocks: 2, bytes: 2 * blockBytesMin },
    },
    startMs,
  );
  expect(progress.done).toEqual({ files: 0, blocks: 2, bytes: 2 * blockBytesMin });
  expect(progress.bytesPerSecond(startMs + 1_000)).toBe(0);
  expect(progress.secondsLeft(startMs + 1_000)).toBeUndefined();
});

it('the speed is that of the last ten seconds, whatever was before', () => {
  const progress = progressOf(1e9);
  for (let second = 0; second < 30; second += 1) {
    progress.take(chunk(second < 15 ? 9e6 : 1e6), startMs + second * 1_000);
  }
  expect(progress.bytesPerSecond(startMs + 29_500)).toBeCloseTo(1e6, -5);
});

it('the time that is left is that of what is not acknowledged', () => {
  const progress = progressOf(3 * blockBytesMin);
  const transfer = transferOf(3);
  progress.take({ kind: 'begun', transfer, acknowledged: { blocks: 0, bytes: 0 } }, startMs);
  progress.take(chunk(blockBytesMin), startMs + 100);
  progress.take({ kind: 'acknowledged', transfer, block: 0 }, startMs + 200);
  expect(progress.secondsLeft(startMs + 1_000)).toBeCloseTo(2);
  expect(progress.ratio).toBe(2);
});

it('of a file that changed nothing is done', () => {
  const progress = progressOf(3 * blockBytesMin);
  const transfer = transferOf(3);
  progress.take(
    { kind: 'begun', transfer, acknowledged: { blocks: 1, bytes: blockBytesMin } },
    startMs,
  );
  progress.take({ kind: 'acknowledged', transfer, block: 1 }, startMs);
  progress.take({ kind: 'changed', transfer }, startMs);
  expect(progress.done).toEqual({ files: 0, blocks: 0, bytes: 0 });
});

it('a file that is done is there whole, whoever has sent a part of it', () => {
  const progress = progressOf(3 * blockBytesMin);
  const transfer = transferOf(3);
  progress.take({ kind: 'begun', transfer, acknowledged: { blocks: 0, bytes: 0 } }, startMs);
  progress.take({ kind: 'acknowledged', transfer, block: 1 }, startMs);
  progress.take({ kind: 'done', transfer }, startMs);
  expect(progress.done).toEqual({ files: 1, blocks: 3, bytes: 3 * blockBytesMin });
});

it('a block that is sent again is counted, be it for want of room', () => {
  const progress = progressOf(blockBytesMin);
  progress.take({ kind: 'later' }, startMs);
  const transfer = transferOf(1);
  progress.take({ kind: 'again', transfer, block: 0, resend: 2, reason: 'lost' }, startMs);
  expect(progress.resends).toBe(2);
});
