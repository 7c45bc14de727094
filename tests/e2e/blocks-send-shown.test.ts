/** What a person sees of a sending: on a terminal, through a pipe that closes, and when it is stopped. */
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { folder, MiB } from '../kafka/support/files.ts';
import { Proxy } from '../kafka/support/proxy.ts';
import { receivedFile, receivedFolders } from '../support/blocks.ts';
import { type RunningCollector, run, startCollector, startVerb } from '../support/programs.ts';
import { mayMount, smallDisk } from '../support/small-disk.ts';
import { missing } from '../support/tools.ts';

const waitMsMax = { timeout: 30_000, interval: 20 };

/** A folder of small files. */
function tree(files: number): string {
  const made = join(folder(), 'tree');
  mkdirSync(made);
  for (let n = 0; n < files; n += 1) writeFileSync(join(made, `${n}`), 'text');
  return made;
}

let collector: RunningCollector;
beforeAll(async () => {
  collector = await startCollector();
});
afterAll(() => collector[Symbol.asyncDispose]());

/** Those that a sender has begun. */
function transfersIn(journal: string): number {
  if (!existsSync(journal)) return 0;
  const db = new DatabaseSync(journal, { readOnly: true, timeout: 1_000 });
  try {
    return Number(db.prepare('SELECT count(*) AS n FROM transfers').get()?.['n']);
  } catch {
    // It is being made.
    return 0;
  } finally {
    db.close();
  }
}

it('a sending whose output nobody reads any more has failed, and says so', async () => {
  const files = 2_000;
  const args = ['send', tree(files), '--to', collector.url, '--data', folder()];
  // The first line comes after the first file: long before the last.
  const script = '"$@" | head -n 1; exit "${PIPESTATUS[0]}"';
  const { code, stderr } = await run('agent', args, { under: ['bash', '-c', script, 'bash'] });
  expect(code).toBe(1);
  expect(stderr).toBe('windrow-agent: stopped: nobody reads what it prints\n');
  expect(receivedFolders(join(collector.dataDir, 'received')).length).toBeLessThan(files);
});

it('a check whose output nobody reads any more has failed', async () => {
  const list = join(folder(), 'list');
  const file = join(folder(), 'file');
  writeFileSync(file, 'text');
  const sum = (await run('agent', ['hash', file])).stdout;
  writeFileSync(list, sum.repeat(20_000));
  const script = '"$@" | head -n 1; exit "${PIPESTATUS[0]}"';
  const under = ['bash', '-c', script, 'bash'];
  const { code, stdout } = await run('agent', ['hash', '--check', list], { under });
  expect({ code, stdout }).toEqual({ code: 1, stdout: `${file}: OK\n` });
});

it('Ctrl-C ends a sending that still looks for files, as a stop and nothing else', async () => {
  const data = folder();
  const from = tree(200);
  // Looked at again and again: as long as a tree of 400,000 files.
  const paths = Array.from({ length: 2_000 }, () => from);
  const args = ['--to', 'http://127.0.0.1:9', '--data', data];
  await using sender = startVerb(['send', ...paths, ...args]);
  const journal = join(data, 'agent', 'transfers.db');
  await vi.waitFor(() => expect(existsSync(journal)).toBe(true), waitMsMax);
  process.kill(sender.pid, 'SIGINT');
  expect(await sender.ended()).toBe(1);
  expect(sender.log()).toMatch(
    /^windrow-agent: the sending was stopped\n.*goes on from there\.\n$/,
  );
});

it.skipIf(!mayMount())('a journal whose disk fills ends the sending in two lines', async () => {
  await using proxy = await Proxy.open();
  proxy.leadTo(Number(new URL(collector.url).port));
  proxy.stall();
  using disk = smallDisk(1_024);
  const file = join(folder(), 'long');
  writeFileSync(file, randomBytes(20 * MiB));
  const to = `http://127.0.0.1:${proxy.port}`;
  const args = ['--to', to, '--data', disk.path, '--block-size', '1MiB'];
  await using sender = startVerb(['send', file, ...args]);
  const journal = join(disk.path, 'agent', 'transfers.db');
  await vi.waitFor(() => expect(transfersIn(journal)).toBe(1), waitMsMax);
  disk.fill();
  proxy.heal();
  expect(await sender.ended()).toBe(1);
  expect(sender.log()).toBe(
    `windrow-agent: cannot use ${journal}: database or disk is full\n` +
      '  Name a folder that this user may write, with room, with --data.\n',
  );
});

it.skipIf(missing('script'))(
  'a terminal, also one that tells no size, gets one line of progress and a summary',
  async () => {
    await using proxy = await Proxy.open();
    proxy.leadTo(Number(new URL(collector.url).port));
    proxy.stall();
    const bytes = randomBytes(3 * MiB);
    const file = join(folder(), 'shown');
    writeFileSync(file, bytes);
    const to = `http://127.0.0.1:${proxy.port}`;
    const args = ['send', file, '--to', to, '--data', folder(), '--block-size', '1MiB'];
    // A terminal of its own, of 0 columns and rows, as it was started from none.
    const under = ['bash', '-c', `exec script --quiet --return -c "\${*@Q}" /dev/null`, 'bash'];
    await using sender = startVerb(args, { under });
    const atFirst = `${'░'.repeat(20)} 0 %  0/3 blocks  0 B/3.1 MB  `;
    await vi.waitFor(() => expect(sender.output()).toContain(atFirst), waitMsMax);
    proxy.heal();
    expect(await sender.ended()).toBe(0);
    const [progress = '', speeds] = sender.output().split('\r\n');
    const shown = progress.split('\r\u001B[K');
    for (const line of shown) expect(line.length).toBeLessThan(80);
    // Each is taken back before the next.
    expect(shown.slice(1, -1).every((line) => line.startsWith('░') || line.startsWith('█'))).toBe(
      true,
    );
    expect(shown.at(-1)).toMatch(/^1 file, 3 blocks, 3\.1 MB are there; /);
    expect(speeds).toMatch(/^MB\/s: read /);
    expect(receivedFile(join(collector.dataDir, 'received'), 'shown').equals(bytes)).toBe(true);
  },
);
