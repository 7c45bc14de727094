/** Stores that an older windrow wrote are taken up as they are: nothing in them is missing but books. */
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, expect, it, onTestFinished, vi } from 'vitest';
import { noonMs } from '../../runtime/testing/manual-clock.ts';
import { temporaryFolder } from '../../runtime/testing/temporary-folder.ts';
import { databasePath } from '../store/database.ts';
import { MIGRATIONS } from '../store/schema.ts';
import type { Source } from './source.ts';
import { goodbye, steady } from './testing/records.ts';
import { type Rig, startRig } from './testing/rig.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
});
afterEach(() => {
  vi.useRealTimers();
});

/** The whole state of a source in the first schema: no books, no senders, nothing announced. */
const firstState = {
  engine: {
    closedThroughMs: noonMs - 10_000,
    firstPaneMs: null,
    newestMsByLane: [noonMs - 1_000, null, null, null],
  },
  newestMs: noonMs - 1_000,
  off: false,
  closed: false,
  clockOffsetMs: 0,
  counters: null,
  values: [2, null, null, null, null, null],
};
const firstSequence = { intervals: [[0, 2]], lost: 4, lostBelow: 0 };

/** A collector on a store with the first schema, in which `pc` has sent numbers 0 to 2 of boot `a`. */
function rigOn(state: object): Rig {
  const dataDir = temporaryFolder();
  const path = databasePath(dataDir);
  mkdirSync(dirname(path), { recursive: true });
  const old = new DatabaseSync(path);
  old.exec(`${MIGRATIONS[0]}; PRAGMA user_version = 1`);
  old
    .prepare('INSERT INTO sources VALUES (1, ?, ?, 0, ?, ?)')
    .run('pc', '', noonMs, JSON.stringify(state));
  old.prepare('INSERT INTO boots VALUES (1, 1, ?, ?)').run('a', JSON.stringify(firstSequence));
  old.close();
  const started = startRig(dataDir);
  onTestFinished(() => started.db.close());
  return started;
}

function pc({ registry }: Rig): Source {
  const source = registry.find('pc', '');
  if (source === undefined) throw new Error('the server is not known');
  return source;
}

const about = { server_id: 'pc', boot_id: 'a', oldest_outstanding_seq: 2 };

/** Numbers 2 to 4: the first was there already. */
const next = steady(noonMs - 1_000, 3, { boot_id: 'a', seq: 2 });

it('a store of the first schema: the books begin at nothing, and all goes on', async () => {
  const r = rigOn(firstState);
  expect(pc(r).delivery).toEqual({ received: 0, late: 0, duplicates: 0, lost: 0 });
  expect(pc(r)).toMatchObject({ decommissioned: false, off: false, clockOffsetMs: 0 });
  expect(pc(r).boots.get('a')).toMatchObject({ firstHeardMs: null, startedMs: null });
  expect(await r.send(next, about)).toMatchObject({ stored: 2, duplicates: 1, quarantined: 0 });
  await r.send([goodbye('pc', 'a')], about);
  expect(pc(r).off).toBe(true);
  expect(pc(r).delivery).toEqual({ received: 2, late: 0, duplicates: 1, lost: 0 });
});

it('a state that names one sender of what was announced, and no others, is taken up too', async () => {
  const announced = { sentAtMs: noonMs - 1_000, pendingFromMs: null, senderBootId: 'a' };
  const r = rigOn({ ...firstState, announced });
  expect(await r.send(next, about)).toMatchObject({ stored: 2, duplicates: 1, quarantined: 0 });
  expect(pc(r).announced.senderBootId).toBe('a');
});
