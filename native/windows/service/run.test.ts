import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { WindrowError } from '../../../runtime/errors.ts';
import { temporaryFolder } from '../../../runtime/testing/temporary-folder.ts';
import { exitCodeOfWork } from './run.ts';

async function outcomeOf(work: () => Promise<void>, log = 'agent.log') {
  const path = temporaryFolder();
  const inside = (name: string): string => join(path, name);
  const folder = {
    path,
    settings: inside('agent.yaml'),
    token: inside('token'),
    data: inside('data'),
    code: inside('code'),
    log: inside(log),
  };
  const events: string[] = [];
  const { signal } = new AbortController();
  const code = await exitCodeOfWork({ name: 'windrow-agent', folder, work }, signal, (text) =>
    events.push(text),
  );
  return { code, events, log: () => readFileSync(folder.log, 'utf8') };
}

it('what ends well says nothing', async () => {
  const { code, events, log } = await outcomeOf(async () => {});
  expect([code, events, log()]).toEqual([0, [], '']);
});

it('why it did not start is an event with what to do, a line in its log, and its exit code', async () => {
  const { code, events, log } = await outcomeOf(async () => {
    throw new WindrowError('config', 'intervall is not a setting', { hint: 'The settings are: …' });
  });
  expect(code).toBe(78);
  expect(events).toEqual(['intervall is not a setting\nThe settings are: …']);
  expect(JSON.parse(log())).toMatchObject({ level: 50, msg: 'intervall is not a setting' });
});

it('a log that cannot be opened is told in the event log', async () => {
  const { code, events } = await outcomeOf(async () => {}, 'not there/agent.log');
  expect(code).toBe(1);
  expect(events).toEqual([expect.stringContaining('ENOENT')]);
});
