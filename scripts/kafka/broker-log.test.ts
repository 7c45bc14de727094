import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { errorsOf, lastErrors } from './broker-log.ts';

it('of a log its failures are taken, each with its reasons and without the stack', () => {
  const log = `2026-11-22T11:35:33,821 WARN NetworkClient Connection to node 3 could not be established.
2026-11-22T11:35:34,001 ERROR LogDirFailureChannel Error while writing checkpoint file
java.io.IOException: No space left on device
\tat java.base/sun.nio.ch.FileDispatcherImpl.write0(Native Method)
Caused by: java.io.IOException: disk
\t... 12 more
2026-11-22T11:35:34,002 INFO KafkaServer shutting down ERROR count 1
a second line
2026-11-22T11:35:34,003 FATAL Exit Halting
`;
  expect(errorsOf(log)).toEqual([
    '2026-11-22T11:35:34,001 ERROR LogDirFailureChannel Error while writing checkpoint file',
    'java.io.IOException: No space left on device',
    'Caused by: java.io.IOException: disk',
    '2026-11-22T11:35:34,003 FATAL Exit Halting',
  ]);
});

it('only the end of a long log is read, and of many failures the last are kept', () => {
  const folder = mkdtempSync(join(tmpdir(), 'windrow-broker-log-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'broker.log');
  expect(lastErrors(path)).toEqual([]);
  const line = (level: string, what: string) => `2026-11-22T11:35:34,001 ${level} Broker ${what}\n`;
  writeFileSync(path, line('ERROR', 'old') + line('INFO', 'é'.repeat(100)).repeat(1_000));
  expect(lastErrors(path)).toEqual([]);
  const many = Array.from({ length: 20 }, (_, i) => line('ERROR', `no. ${i}`));
  writeFileSync(path, many.join(''), { flag: 'a' });
  expect(lastErrors(path)).toEqual(many.slice(-8).map((text) => text.trimEnd()));
});
