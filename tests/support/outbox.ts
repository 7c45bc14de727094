/** What waits in an agent's outbox, and what of it a collector has stored. */
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect } from 'vitest';
import { outboxPath } from '../../agent/outbox/place.ts';
import { eventually } from './http.ts';
import { type RunningCollector, run } from './programs.ts';

export interface Waiting {
  readonly agent_running: boolean;
  readonly records: number;
  readonly disk_bytes: number;
  readonly dropped: number;
  readonly boots: readonly { readonly boot_id: string; readonly records: number }[];
}

/** As the agent's verb tells it. */
export async function outboxOf(dataDir: string): Promise<Waiting> {
  const { code, stdout, stderr } = await run('agent', ['outbox', '--data', dataDir, '--json']);
  expect([code, stderr]).toEqual([0, '']);
  return JSON.parse(stdout) as Waiting;
}

/** The stored sample numbers of each boot, in order, repeats included. */
export function storedByBoot({ dataDir }: RunningCollector): Map<string, number[]> {
  const path = join(dataDir, 'collector', 'windrow.db');
  const db = new DatabaseSync(path, { readOnly: true });
  const rows = db
    .prepare('SELECT boot_id, seq FROM samples JOIN boots USING (boot_no) ORDER BY boot_id, seq')
    .all();
  db.close();
  const byBoot = new Map<string, number[]>();
  for (const row of rows) {
    const id = String(row['boot_id']);
    byBoot.set(id, [...(byBoot.get(id) ?? []), Number(row['seq'])]);
  }
  return byBoot;
}

/** Numbers of the samples of a boot of which none is missing and none twice. */
export function countTo(count: number): number[] {
  return Array.from({ length: count }, (_, seq) => seq);
}

/** Waits until so many records wait. */
export async function waitsFor(dataDir: string, records: number): Promise<Waiting> {
  await eventually(async () => expect(recordsIn(dataDir)).toBeGreaterThanOrEqual(records));
  return outboxOf(dataDir);
}

/** Asked again and again, the verb would be a process each time; this only reads the file. */
function recordsIn(dataDir: string): number {
  const db = new DatabaseSync(outboxPath(dataDir), { readOnly: true });
  try {
    return db.prepare('SELECT id FROM queue_items').all().length;
  } finally {
    db.close();
  }
}
