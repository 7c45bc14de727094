/** Bits that flip where SQLite sees nothing: whatever is given out is what was added. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createKeptLog } from '../testing/kept-log.ts';
import { createManualClock } from '../testing/manual-clock.ts';
import { seededRandom } from '../testing/seeded-random.ts';
import { temporaryFolder } from '../testing/temporary-folder.ts';
import { isDamage } from './damage.ts';
import { openQueueFile, type QueueFile } from './file.ts';
import type { QueueItem } from './item.ts';

const options = { keep: [], mayDropWhenLow: true };
const count = 200;
const pageBytes = 1_024;
const seeds = Array.from({ length: 12 }, (_, seed) => seed);

/** Some fit a page, some go on over several. */
function added(): QueueItem[] {
  return Array.from({ length: count }, (_, no) => ({
    lane: 'boot',
    no,
    atMs: 1_760_000_000_000 + 1_000 * no,
    body: `{"seq":${no},"fill":"${'x'.repeat(no % 2 === 0 ? 300 : 3_000)}"}`,
  }));
}

async function fixture() {
  const path = join(temporaryFolder(), 'queue.db');
  const { log, lines } = createKeptLog();
  const clock = createManualClock();
  const open = (): QueueFile => {
    const file = openQueueFile({ path, bytesMax: 64 * 1024 * 1024, clock, log });
    onTestFinished(() => file.close().catch(() => {}));
    return file;
  };
  const first = open();
  first.add(added(), options);
  await first.close();
  return { path, lines, open };
}

interface Flips {
  readonly seed: number;
  readonly bits: number;
  /** Whether this byte may be hit. */
  readonly where: (bytes: Buffer, at: number) => boolean;
}

function flip(path: string, { seed, bits, where }: Flips): void {
  const random = seededRandom(seed);
  const bytes = readFileSync(path);
  for (let left = bits; left > 0; ) {
    const at = Math.floor(random() * bytes.length);
    if (!where(bytes, at)) continue;
    bytes[at] = (bytes[at] ?? 0) ^ (1 << Math.floor(random() * 8));
    left -= 1;
  }
  writeFileSync(path, bytes);
}

/** Within the fill, which bodies alone have. */
function isInBody(bytes: Buffer, at: number): boolean {
  return bytes.toString('latin1', at - 8, at + 9) === 'x'.repeat(17);
}

function isSetAside(path: string): boolean {
  return readdirSync(dirname(path)).some((name) => name.includes('.corrupt-'));
}

/** All that it gives out, until it is found damaged. */
function drain(file: QueueFile): QueueItem[] {
  const given: QueueItem[] = [];
  try {
    for (let looks = 0; looks < count && file.size > 0; looks += 1) {
      const items = file.oldest(50);
      file.delivered(items.map(({ id }) => id));
      given.push(...items.map(({ lane, no, atMs, body }) => ({ lane, no, atMs, body })));
    }
  } catch (error) {
    if (!isDamage(error)) throw error;
  }
  return given;
}

describe.each(seeds)('bits flipped with seed %i', (seed) => {
  it('within bodies: those records are dropped and counted, all others are given, and it is told once', async () => {
    const { path, lines, open } = await fixture();
    flip(path, { seed, bits: 1 + seed * 4, where: isInBody });
    const file = open();
    const given = drain(file);
    const all = added();
    const { items: dropped } = file.dropped();
    expect(dropped).toBeGreaterThan(0);
    expect(given.length).toBe(count - dropped);
    for (const item of given) expect(item).toEqual(all[item.no ?? -1]);
    expect(file.dropped('boot')).toEqual({ items: dropped, numbered: dropped });
    expect(isSetAside(path)).toBe(false);
    expect(lines).toMatchObject([{ level: 'error', file: path, msg: 'damaged items are dropped' }]);
  });

  it('anywhere: no altered record is given out', async () => {
    const { path, open } = await fixture();
    flip(path, { seed, bits: 1 + (seed % 4), where: (_, at) => at >= pageBytes });
    const all = added();
    for (const item of drain(open())) expect(item).toEqual(all[item.no ?? -1]);
  });
});
