/** What is acknowledged is on the disk: the order of system calls tells, and a disk that fails to sync. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it } from 'vitest';
import { eventually } from '../support/http.ts';
import { run, startCollector, tempDir } from '../support/programs.ts';
import { clientOf, sendSamples, steadySamples } from '../support/send.ts';
import { attachStrace, brokenDisk } from '../support/strace.ts';
import { missing } from '../support/tools.ts';

const fromMs = Date.now() - 3_600_000;

function logOf(dataDir: string): string {
  return join(dataDir, 'collector', 'windrow.db-wal');
}

/** How often each sample is in the store, by its number. */
function stored(dataDir: string): number[] {
  const db = new DatabaseSync(join(dataDir, 'collector', 'windrow.db'), { readOnly: true });
  const rows = db.prepare('SELECT count(*) AS n FROM samples GROUP BY seq ORDER BY seq').all();
  db.close();
  return rows.map((row) => Number(row['n']));
}

/** @returns for each answer to a batch, whether a sync that began behind the first write to the log had ended */
function answersIn(calls: string): boolean[] {
  const answers: boolean[] = [];
  const syncing = new Set<string>();
  let isWritten = false;
  let isSynced = false;
  for (const line of calls.split('\n')) {
    const [thread = ''] = line.split(' ', 1);
    if (/ pwrite64\(\d+<[^>]*-wal>/.test(line)) isWritten = true;
    if (/ fdatasync\(\d+<[^>]*-wal>/.test(line) && isWritten) syncing.add(thread);
    if (/fdatasync.*= 0$/.test(line) && syncing.delete(thread)) isSynced = true;
    if (line.includes('HTTP/1.1 200')) answers.push(isSynced);
  }
  return answers;
}

describe.skipIf(missing('strace'))('under strace', () => {
  it('a batch is answered when the sync of the log has ended', async () => {
    using folder = tempDir();
    await using collector = await startCollector();
    const client = clientOf(collector.url);
    const calls = join(folder.path, 'calls');
    const traced = 'trace=pwrite64,fdatasync,write,writev,sendto';
    const detach = await attachStrace(collector.pid, ['-y', '-e', traced, '-o', calls]);
    await sendSamples(client, steadySamples('pc', fromMs, 10));
    await detach();
    expect(answersIn(readFileSync(calls, 'latin1'))).toEqual([true]);
  });

  it('a sync that fails: nothing of it is acknowledged, the collector ends, and the next one stores it once', async () => {
    using data = tempDir();
    const dataDir = data.path;
    const [known, lost] = [steadySamples('pc', fromMs, 10), steadySamples('pc', fromMs, 10, 10)];
    await using first = await startCollector({ dataDir });
    const client = clientOf(first.url);
    await sendSamples(client, known);
    const detach = await attachStrace(first.pid, brokenDisk('fdatasync', [logOf(dataDir)]));
    await expect(sendSamples(client, lost)).rejects.toMatchObject({ retryable: true });
    await eventually(async () => expect(first.endedByItself()).toBe('code 1'));
    await detach();
    expect(first.log()).toMatch(
      /^windrow-collector: the disk does not confirm .*EIO.*\n {2}Nothing of it was acknowledged/m,
    );
    await using second = await startCollector({ dataDir });
    const ack = await sendSamples(clientOf(second.url), [...known, ...lost]);
    expect(ack.stored + ack.duplicates).toBe(20);
    expect(stored(dataDir)).toEqual(Array.from({ length: 20 }, () => 1));
  });

  it('what a killed collector left in the log is put on the disk before anything is built on it', async () => {
    using data = tempDir();
    const dataDir = data.path;
    await using first = await startCollector({ dataDir });
    await sendSamples(clientOf(first.url), steadySamples('pc', fromMs, 10));
    await first.kill();
    const under = ['strace', '-D', '-f', ...brokenDisk('fdatasync', [logOf(dataDir)])];
    const args = ['serve', '--port', '0', '--data', dataDir];
    const { code, stderr } = await run('collector', args, { under });
    expect(code).toBe(1);
    expect(stderr).toMatch(/^windrow-collector: cannot open .*EIO/m);
    await using second = await startCollector({ dataDir });
    expect(stored(second.dataDir)).toHaveLength(10);
  });
});
