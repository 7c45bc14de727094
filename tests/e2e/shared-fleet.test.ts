import { afterEach, expect, test, vi } from 'vitest';
import { settle, startCollector } from '../../collector/cluster/results/testing/rig.ts';
import { steady } from '../../collector/ingest/testing/records.ts';
import { createManualClock } from '../../runtime/testing/manual-clock.ts';
import { temporaryFolder } from '../../runtime/testing/temporary-folder.ts';
import { WINDOW_RESULTS_TOPIC } from '../../wire/records/window-result.ts';
import { createMemoryLog } from '../../wire/transport/log/memory.ts';
import { run } from '../support/programs.ts';

afterEach(() => {
  vi.useRealTimers();
});

test('server list tells which collector has a server, server rm does nothing that others do not hear of, and the export has all windows', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  const clock = createManualClock(Date.now());
  const topicLog = createMemoryLog({ topics: { [WINDOW_RESULTS_TOPIC]: 1 }, clock });
  const folders = [temporaryFolder(), temporaryFolder()];
  const [one, two] = folders.map((dataDir, i) =>
    startCollector({ dataDir, id: `collector-${i + 1}`, topicLog, clock }),
  );
  const fromMs = clock.wallMs() - 60_000;
  await one?.send(steady(fromMs, 60));
  await two?.send(steady(fromMs, 30, { server_id: 'own' }));
  await settle();
  for (const collector of [one, two]) await collector?.kill();
  vi.useRealTimers();

  const data = ['--data', folders[1] ?? ''];
  const list = await run('collector', ['server', 'list', ...data]);
  expect(list.stderr).toBe('');
  const seen = new Date(clock.wallMs()).toISOString();
  expect(list.stdout.split('\n').map((line) => line.split(/ {2,}/))).toEqual([
    ['NAME', 'STATE', 'LAST SEEN', 'RECEIVED', 'LATE', 'DUPLICATE', 'LOST', 'COLLECTOR'],
    ['own', 'up', seen, '30', '0', '0', '0', 'this one'],
    ['pc', 'up', seen, '-', '-', '-', '-', 'http://collector-1:7861'],
    [''],
  ]);
  for (const name of ['own', 'pc']) {
    const removed = await run('collector', ['server', 'rm', name, ...data]);
    expect(removed).toMatchObject({ code: 1, stdout: '' });
    expect(removed.stderr).toContain(`other collectors know ${name} too`);
    expect(removed.stderr).toContain('Start this collector first');
  }
  expect(await run('collector', ['server', 'list', ...data])).toEqual(list);
  const exported = await Promise.all(
    folders.map((folder) => run('collector', ['export', 'windows', '--data', folder])),
  );
  expect(exported[1]?.stdout).toBe(exported[0]?.stdout);
  expect(exported[1]?.stdout).toContain('\npc,live,');
  expect(exported[1]?.stdout).toContain('\nown,live,');
});
