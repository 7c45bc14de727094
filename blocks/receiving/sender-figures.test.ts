import { expect, it } from 'vitest';
import type { BlockChunk } from '../../wire/records/block-chunk.ts';
import type { IncomingChunk } from './receiver.ts';
import { chunksOf, contentOf, madeFile } from './testing/made-file.ts';
import { receiverRig } from './testing/rig.ts';

/** A file of one chunk, of which its sender tells this. */
function telling(seed: number, told: Omit<NonNullable<BlockChunk['last']>, 'sha256'>) {
  const file = madeFile({ path: `${seed}`, content: contentOf(10, seed) });
  const [incoming] = chunksOf(file, 0);
  const last = incoming?.chunk.last;
  if (incoming === undefined || last === undefined) throw new Error('one chunk');
  const chunk = { ...incoming.chunk, last: { ...last, ...told } };
  return { ...incoming, chunk } satisfies IncomingChunk;
}

it('blocks are counted by the engine of their sender, each that we do not have as another', async () => {
  const { receiver } = receiverRig();
  const told = ['simd4', 'openssl', 'simd4', 'sha-ni-9'].map((engine) => ({ engine }));
  for (const [seed, one] of [...told, {}].entries()) await receiver.take(telling(seed, one));
  expect([...receiver.senders.byEngine]).toEqual([
    ['simd4', 2],
    ['openssl', 1],
    ['other', 2],
  ]);
});

it('what the stages of senders took is summed up, of a block that comes again once', async () => {
  const { receiver } = receiverRig();
  const time = { ms: 3, cpu_ms: 2 };
  const work = { read_bytes: 5_000, read: time, hash: { ms: 8, cpu_ms: 7 }, compress: time };
  for (const seed of [0, 0, 1]) await receiver.take(telling(seed, { work }));
  const { readBytes, times } = receiver.senders;
  expect({ readBytes, times }).toEqual({
    readBytes: 10_000,
    times: {
      read: { ms: 6, cpuMs: 4 },
      hash: { ms: 16, cpuMs: 14 },
      compress: { ms: 6, cpuMs: 4 },
    },
  });
});
