import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { scanOf } from '../testing/machine.ts';
import { pageBytes } from './page-size.ts';
import { parseProcessIo, parseProcessStat } from './process-stat.ts';

const fields = 'S 1 42 42 0 -1 4194304 1 2 3 4 150 50 9 9 -20 -5 1 0 7777 1000000 321 184467440737';

test.each(['sh', 'a b', 'x) R 1 (y', ')', 'two\nlines', '((', ''])('a process named %j', (name) => {
  const scan = scanOf(`42 (${name}) ${fields}\n`);
  const stat = parseProcessStat(scan);
  expect(stat).toMatchObject({ cpuTicks: 200, startTicks: 7777, residentPages: 321 });
  expect(scan.bytes.toString('utf8', stat?.nameStart, stat?.nameEnd)).toBe(name);
});

test('what is cut short or something else is no stat', () => {
  for (const text of ['', '42', '42 (sh', '42 (sh) S 1 42', 'x) y (']) {
    expect(parseProcessStat(scanOf(text))).toBeUndefined();
  }
});

test('bytes of an earlier, longer file are not part of this one', () => {
  const scan = scanOf(`42 (sh) ${fields}\n) S ) 9 9`);
  scan.begin(`42 (sh) ${fields}\n`.length);
  expect(parseProcessStat(scan)).toMatchObject({ startTicks: 7777 });
});

test('I/O is what reached storage, cancelled writes not subtracted', () => {
  const text =
    'rchar: 1\nwchar: 2\nsyscr: 3\nsyscw: 4\nread_bytes: 4096\nwrite_bytes: 8192\ncancelled_write_bytes: 8192\n';
  expect(parseProcessIo(scanOf(text))).toEqual({ readBytes: 4096, writeBytes: 8192 });
  expect(parseProcessIo(scanOf('rchar: 1\n'))).toBeUndefined();
});

test('the page size is what the system says it is', () => {
  const told = execFileSync('getconf', ['PAGESIZE'], { encoding: 'utf8' });
  expect(pageBytes()).toBe(Number(told));
});
