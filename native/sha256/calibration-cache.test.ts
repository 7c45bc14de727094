import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../../runtime/testing/temporary-folder.ts';
import { type Cached, readCache } from './calibration-cache.ts';

const rate = { lanes: 1, oneMbps: 400, fullMbps: 400 };
const cached: Cached = {
  machine: 'abc',
  rates: { openssl: rate, 'hash-wasm': rate, simd4: { lanes: 4, oneMbps: 300, fullMbps: 620.5 } },
};
const good = JSON.stringify(cached);

it('what was kept is read', () => {
  expect(readOf(good)).toEqual(cached);
  expect(readCache(join(temporaryFolder(), 'missing'))).toBeUndefined();
});

it.each([
  ['is empty', ''],
  ['is cut off', good.slice(0, 60)],
  ['says null', 'null'],
  ['is of no machine', good.replace('"machine":"abc"', '"machine":1')],
  ['has no rates', '{"machine":"abc","rates":null}'],
  ['lacks an engine', good.replace('"simd4"', '"simd5"')],
  ['holds no numbers', good.replaceAll(/"fullMbps":[\d.]+/g, '"fullMbps":"1"')],
  ['claims no speed at all', good.replaceAll(/"oneMbps":[\d.]+/g, '"oneMbps":0')],
  ['is far too large', `${' '.repeat(100_000)}${good}`],
])('a file that %s is none', (_, text) => {
  expect(text).not.toBe(good);
  expect(readOf(text)).toBeUndefined();
});

function readOf(text: string): Cached | undefined {
  const path = join(temporaryFolder(), 'rates.json');
  writeFileSync(path, text);
  return readCache(path);
}
