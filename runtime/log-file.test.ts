import fs, { mkdirSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { LogFile } from './log-file.ts';
import { temporaryFolder } from './testing/temporary-folder.ts';

const fileBytesMax = 100;
const line = (n: number): string => `${String(n).padStart(9, '0')}\n`;
const lines = (from: number, to: number): string =>
  Array.from({ length: to - from }, (_, i) => line(from + i)).join('');

function logIn(folder: string): LogFile {
  const log = new LogFile(join(folder, 'agent.log'), fileBytesMax);
  onTestFinished(() => log.close());
  return log;
}

it('a log that is written for ever keeps its newest lines, in order, in four bounded files', () => {
  const folder = temporaryFolder();
  const log = logIn(folder);
  for (let n = 0; n < 1000; n += 1) log.write(line(n));
  const files = readdirSync(folder).sort();
  expect(files).toEqual(['agent.log', 'agent.log.1', 'agent.log.2', 'agent.log.3']);
  for (const file of files) expect(statSync(join(folder, file)).size).toBeLessThanOrEqual(110);
  const kept = files.reverse().map((file) => readFileSync(join(folder, file), 'utf8'));
  const numbers = kept.join('').trimEnd().split('\n').map(Number);
  expect(kept.join('')).toBe(lines(1000 - numbers.length, 1000));
  expect(numbers.length).toBeGreaterThan(30);
});

it('rotates on Windows, which cuts no file that is open for appending', () => {
  const { ftruncateSync } = fs;
  fs.ftruncateSync = () => {
    throw Object.assign(new Error('EPERM: operation not permitted, ftruncate'), { code: 'EPERM' });
  };
  syncBuiltinESMExports();
  onTestFinished(() => {
    fs.ftruncateSync = ftruncateSync;
    syncBuiltinESMExports();
  });
  const folder = temporaryFolder();
  const log = logIn(folder);
  for (let n = 0; n < 15; n += 1) log.write(line(n));
  expect(readFileSync(join(folder, 'agent.log.1'), 'utf8')).toBe(lines(0, 10));
  expect(readFileSync(join(folder, 'agent.log'), 'utf8')).toBe(lines(10, 15));
});

it('a program that starts again goes on with the file that is there', () => {
  const folder = temporaryFolder();
  logIn(folder).write(line(1));
  logIn(folder).write(line(2));
  expect(readFileSync(join(folder, 'agent.log'), 'utf8')).toBe(line(1) + line(2));
});

it('a file that cannot be moved away does not grow either', () => {
  const folder = temporaryFolder();
  for (const age of [1, 2, 3]) {
    mkdirSync(join(folder, `agent.log.${age}`, 'in the way'), { recursive: true });
  }
  const log = logIn(folder);
  for (let n = 0; n < 1000; n += 1) log.write(line(n));
  expect(statSync(join(folder, 'agent.log')).size).toBeLessThanOrEqual(110);
  expect(readFileSync(join(folder, 'agent.log'), 'utf8')).toContain(line(999));
});

it('a program goes on while no new file can be opened, and so does its log as soon as one can', () => {
  const folder = temporaryFolder();
  const log = logIn(folder);
  const { openSync } = fs;
  const restore = (): void => {
    fs.openSync = openSync;
    syncBuiltinESMExports();
  };
  onTestFinished(restore);
  for (let n = 0; n < 10; n += 1) log.write(line(n));
  fs.openSync = () => {
    throw Object.assign(new Error('EMFILE: too many open files'), { code: 'EMFILE' });
  };
  syncBuiltinESMExports();
  for (let n = 10; n < 40; n += 1) log.write(line(n));
  restore();
  for (let n = 40; n < 45; n += 1) log.write(line(n));
  expect(readFileSync(join(folder, 'agent.log'), 'utf8')).toBe(lines(40, 45));
  expect(readFileSync(join(folder, 'agent.log.1'), 'utf8')).toBe(lines(0, 10));
  expect(readdirSync(folder)).toHaveLength(2);
});
