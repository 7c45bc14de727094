/** What waits in an outbox, read beside the agent that works with it or without one. */
import { existsSync, statSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { messageOf, WindrowError } from '../../runtime/errors.ts';
import { isFolderLocked } from '../../runtime/folder-lock.ts';
import { bytesOf, walPathOf } from '../../runtime/queue/damage.ts';
import { DurableQueue, type LaneSummary } from '../../runtime/queue/queue.ts';
import { QUEUE_MIGRATIONS } from '../../runtime/queue/schema.ts';
import { assertNotNewer } from '../../runtime/schema-version.ts';
import { outboxFolder, outboxPath } from './place.ts';

const busyTimeoutMs = 5_000;

export interface BootSummary {
  /** Its lane is the boot's id. */
  readonly waiting: LaneSummary;
  readonly dropped: number;
}

export interface OutboxSummary {
  readonly path: string;
  /** File and log. */
  readonly diskBytes: number;
  readonly isAgentRunning: boolean;
  /** By boot, the one with the oldest record first. */
  readonly boots: readonly BootSummary[];
  /** Records ever dropped from this file. */
  readonly dropped: number;
}

/**
 * Of a folder without an outbox: that nothing waits.
 * @throws WindrowError `input` when there is no such folder, `store_newer`, `store_unavailable` when the file
 *   cannot be read
 */
export function summarize(dataDir: string): OutboxSummary {
  assertFolder(dataDir);
  const path = outboxPath(dataDir);
  try {
    const diskBytes = bytesOf(path) + bytesOf(walPathOf(path));
    if (!existsSync(path)) return { path, diskBytes, isAgentRunning: false, boots: [], dropped: 0 };
    const isAgentRunning = isFolderLocked(outboxFolder(dataDir));
    return { path, diskBytes, isAgentRunning, ...readLanes(path) };
  } catch (error) {
    if (error instanceof WindrowError) throw error;
    throw new WindrowError('store_unavailable', `cannot read ${path}: ${messageOf(error)}`, {
      cause: error,
      hint: 'Run as the user of the agent; a damaged file is set aside when the agent starts.',
    });
  }
}

function assertFolder(dataDir: string): void {
  if (existsSync(dataDir) && statSync(dataDir).isDirectory()) return;
  throw new WindrowError('input', `there is no data folder ${dataDir}`, {
    hint: 'Name the data folder of an agent with --data (data).',
  });
}

function readLanes(path: string): Pick<OutboxSummary, 'boots' | 'dropped'> {
  const db = new DatabaseSync(path, { readOnly: true, timeout: busyTimeoutMs });
  try {
    assertNotNewer(db, path, QUEUE_MIGRATIONS.length);
    const queue = new DurableQueue(db);
    const boots = queue
      .lanes()
      .map((waiting) => ({ waiting, dropped: queue.dropped(waiting.lane).items }));
    return { boots, dropped: queue.dropped().items };
  } finally {
    db.close();
  }
}
