/**
 * Prints the bytes of heap and array buffers that each of 10,000 servers holds after two minutes:
 *
 *   node --expose-gc bench/windows-memory.ts engine|naive
 */
import { setTimeout as pause } from 'node:timers/promises';
import { CONTENDERS, feed } from './windows-load.ts';

const servers = 10_000;

async function usedBytes(): Promise<number> {
  // Array buffers are freed by a thread of their own, after the collection that found them unused.
  for (let n = 0; n < 4; n++) {
    globalThis.gc?.();
    await pause(50);
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

const [, , name] = process.argv;
if (globalThis.gc === undefined || (name !== 'engine' && name !== 'naive')) {
  throw new Error('usage: node --expose-gc bench/windows-memory.ts engine|naive');
}
const before = await usedBytes();
const contender = CONTENDERS[name]({ servers, slideMs: 10_000 }, () => {});
feed(contender, servers, { from: 0, to: 120 });
const bytes = (await usedBytes()) - before;
// Used once more, so that it was not collected before it was measured.
contender.advance(0, 0);
console.log(Math.round(bytes / servers));
