/**
 * Stop, swap, start: an older executable's place is taken by a newer one, on the same data. The older
 * one is built here, of the same sources with another version: what differs is the executable.
 */
import { copyFileSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { outboxFolder, outboxPath } from '../../agent/outbox/place.ts';
import { databasePath, openForReading } from '../../collector/store/database.ts';
import { MIGRATIONS } from '../../collector/store/schema.ts';
import { QUEUE_MIGRATIONS } from '../../runtime/queue/schema.ts';
import { bundle } from '../../scripts/build/bundle.ts';
import { nodeForLinux } from '../../scripts/build/node-binary.ts';
import { LINUX, PROGRAMS } from '../../scripts/build/targets.ts';
import { writeProgram } from '../../scripts/build/write-program.ts';
import { freePort } from '../support/free-port.ts';
import { eventually, metric } from '../support/http.ts';
import {
  commandOf,
  run,
  startAgent,
  startCollector,
  tempDir,
  type TempDir,
} from '../support/programs.ts';
import { BUILD_CACHE, copySources } from './support/sources.ts';

const older = '0.0.9';

type Name = 'agent' | 'collector';

let folder: TempDir;
/** Where a program is installed: a file in whose place another one comes. */
const placeOf = (name: Name): string => join(folder.path, name);

beforeAll(async () => {
  folder = tempDir();
  const root = join(folder.path, 'older');
  copySources(root);
  const about = join(root, 'package.json');
  const facts = JSON.parse(readFileSync(about, 'utf8')) as object;
  writeFileSync(about, JSON.stringify({ ...facts, version: older }));
  const made = { node: await nodeForLinux(), caches: new Map<string, Uint8Array>() };
  for (const program of PROGRAMS) {
    await writeProgram(await bundle(root, program), LINUX, made, {
      root,
      cache: BUILD_CACHE,
      out: root,
    });
  }
}, 240_000);

afterAll(() => folder[Symbol.dispose]());

/** As docs/operations.md says it: a copy beside it, and a rename. */
function install(name: Name, version: 'older' | 'newer'): void {
  const file = `windrow-${name}-linux-x64`;
  const from = version === 'older' ? join(folder.path, 'older', file) : commandOf(name)[0];
  copyFileSync(from ?? '', `${placeOf(name)}.new`);
  renameSync(`${placeOf(name)}.new`, placeOf(name));
}

const start = {
  collector: (port: number, dataDir: string) =>
    startCollector({ executable: placeOf('collector'), port, dataDir }),
  agent: (to: string, data: string) =>
    startAgent({ executable: placeOf('agent'), to, args: ['--server-id=pc', '--data', data] }),
};

/** Samples by boot, as the store has them. */
function stored(dataDir: string): Record<string, unknown>[] {
  using db = openForReading(dataDir);
  const counts = 'count(*) AS samples, count(DISTINCT seq) AS numbers, max(seq) + 1 AS taken';
  return db.prepare(`SELECT ${counts} FROM samples GROUP BY boot_no ORDER BY boot_no`).all();
}

/** How many samples an agent has taken whose newest one waits. */
function takenBy(data: string): unknown {
  using db = new DatabaseSync(join(data, 'agent/outbox.db'), { readOnly: true });
  return db.prepare('SELECT max(no) + 1 AS taken FROM queue_items').get()?.['taken'];
}

it('each is replaced on its data, the other one older or newer: no sample is lost or stored twice', async () => {
  const [dataDir, agentData] = [join(folder.path, 'c-data'), join(folder.path, 'a-data')];
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const arrive = async (): Promise<void> => {
    const before = await metric(url, 'windrow_samples_received_total');
    await eventually(async () => {
      expect(await metric(url, 'windrow_samples_received_total')).toBeGreaterThan(before + 2);
    });
  };
  const version = (name: Name) => run(name, ['version'], { executable: placeOf(name) });
  install('collector', 'older');
  install('agent', 'older');
  for (const name of ['collector', 'agent'] as const) {
    expect((await version(name)).stdout).toBe(`windrow-${name} ${older}\n`);
  }
  const oldCollector = await start.collector(port, dataDir);
  const oldAgent = await start.agent(url, agentData);
  await arrive();

  await oldCollector.stop();
  install('collector', 'newer');
  const newCollector = await start.collector(port, dataDir);
  expect((await version('collector')).stdout).not.toContain(older);
  await arrive();

  // What one agent has measured, the next one sends.
  await newCollector.stop();
  const outbox = ['outbox', '--data', agentData];
  await eventually(async () => {
    const { stdout } = await run('agent', outbox, { executable: placeOf('agent') });
    expect(Number(/(\d+) records? wait/.exec(stdout)?.[1])).toBeGreaterThan(2);
  });
  expect(await oldAgent.stop()).toBe(0);
  const taken = takenBy(agentData);
  install('agent', 'newer');
  await using newAgent = await start.agent(url, agentData);
  install('collector', 'older');
  await using last = await start.collector(port, dataDir);
  // What waited may come first, and alone for a while.
  await eventually(async () => expect(stored(dataDir)).toHaveLength(2));
  await arrive();
  await newAgent.stop();
  await last.stop();

  const boots = stored(dataDir);
  expect(boots).toHaveLength(2);
  expect(boots[0]).toMatchObject({ taken });
  for (const boot of boots) {
    expect([boot['samples'], boot['numbers']]).toEqual([boot['taken'], boot['taken']]);
  }
}, 300_000);

it('a store of a newer collector is refused by an older one in one sentence, and is not touched', async () => {
  const dataDir = join(folder.path, 'newer-data');
  install('collector', 'newer');
  await (await startCollector({ executable: placeOf('collector'), dataDir })).stop();
  const db = new DatabaseSync(databasePath(dataDir));
  db.exec(`PRAGMA user_version = ${MIGRATIONS.length + 1}`);
  db.close();
  const before = readFileSync(databasePath(dataDir));
  install('collector', 'older');
  const ended = await run('collector', ['serve', '--port=0', '--data', dataDir], {
    executable: placeOf('collector'),
  });
  const schemas = `schema ${MIGRATIONS.length + 1}, this one knows ${MIGRATIONS.length}`;
  expect(ended).toEqual({
    code: 1,
    stdout: '',
    stderr:
      `windrow-collector: ${databasePath(dataDir)} was written by a newer windrow (${schemas})\n` +
      '  Install that newer windrow again, or name another folder with --data.\n',
  });
  expect(readFileSync(databasePath(dataDir)).equals(before)).toBe(true);
});

it('so is the outbox of a newer agent', async () => {
  const data = join(folder.path, 'newer-outbox');
  mkdirSync(outboxFolder(data), { recursive: true });
  const path = outboxPath(data);
  const db = new DatabaseSync(path);
  db.exec(
    `CREATE TABLE queue_of_tomorrow (id); PRAGMA user_version = ${QUEUE_MIGRATIONS.length + 1}`,
  );
  db.close();
  const before = readFileSync(path);
  install('agent', 'older');
  const ended = await run('agent', ['run', '--to=http://127.0.0.1:9', '--data', data], {
    executable: placeOf('agent'),
  });
  const schemas = `schema ${QUEUE_MIGRATIONS.length + 1}, this one knows ${QUEUE_MIGRATIONS.length}`;
  expect(ended).toEqual({
    code: 1,
    stdout: '',
    stderr:
      `windrow-agent: ${path} was written by a newer windrow (${schemas})\n` +
      '  Install that newer windrow again, or name another folder with --data.\n',
  });
  expect(readFileSync(path).equals(before)).toBe(true);
});
