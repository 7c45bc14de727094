import { expect, it } from 'vitest';
import { OpenBlock } from './open-block.ts';
import { OpenBlocks, openBlocksMax, openBlocksOfLogMax } from './open-blocks.ts';
import { chunksOf, madeFile } from './testing/made-file.ts';

it('a log may have more blocks open than requests, and both have an end', () => {
  const mark = { lane: '0', position: 0n };
  const open = new OpenBlocks();
  const [first] = chunksOf(madeFile(), 0);
  if (first === undefined) throw new Error('a chunk');
  const fullAt = { requests: 0, log: 0 };
  while (!open.isFull(mark)) {
    const chunk = { ...first.chunk, block_number: open.size };
    open.add(new OpenBlock(chunk, { mark, nowMs: 0 }));
    if (!open.isFull(undefined)) fullAt.requests += 1;
    fullAt.log += 1;
  }
  expect(fullAt).toEqual({ requests: openBlocksMax - 1, log: openBlocksOfLogMax });
});
