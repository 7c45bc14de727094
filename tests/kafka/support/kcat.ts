/** Debian's kcat: a client of another language and library. */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { promisify } from 'node:util';
import { expect } from 'vitest';
import { missing } from '../../support/tools.ts';

export const kcatMissing = missing('kcat');

const outputBytesMax = 16 * 1024 * 1024;

/** Writes each line as a record; with `K|` before it, K is its key. */
export async function kcatWrite(
  brokers: readonly string[],
  topic: string,
  lines: readonly string[],
  { keyed = false } = {},
): Promise<void> {
  const key = keyed ? ['-K', '|'] : [];
  const args = ['-P', '-b', brokers.join(','), '-t', topic, ...key];
  const child = spawn('kcat', args, { stdio: ['pipe', 'ignore', 'pipe'] });
  let errors = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text));
  child.stdin.end(lines.map((line) => `${line}\n`).join(''));
  await once(child, 'close');
  expect([child.exitCode, errors]).toEqual([0, '']);
}

/** All that is in the topic by now, a line each: the value, or as `format` has it. */
export async function kcatRead(
  brokers: readonly string[],
  topic: string,
  format = '%s\\n',
): Promise<string[]> {
  const args = ['-C', '-b', brokers.join(','), '-t', topic, '-o', 'beginning', '-e', '-q'];
  const options = { maxBuffer: outputBytesMax };
  const { stdout } = await promisify(execFile)('kcat', [...args, '-f', format], options);
  return stdout.split('\n').slice(0, -1);
}
