/** What the store knows of `window-results`. */
import type { DatabaseSync } from 'node:sqlite';
import type { WindowResult } from '../../wire/records/window-result.ts';
import type { TopicPosition } from './group.ts';
import { topicPositions } from './log-positions.ts';

export interface StoredResult {
  readonly result: WindowResult;
  /** Another collector wrote it. */
  readonly others: boolean;
}

/** The newest record of each key. */
export function* storedResults(db: DatabaseSync): Generator<StoredResult> {
  for (const row of db.prepare('SELECT others, body FROM results').iterate()) yield toStored(row);
}

export function storedResult(
  db: DatabaseSync,
  serverId: string,
  replayId: string,
): StoredResult | undefined {
  const row = db
    .prepare('SELECT others, body FROM results WHERE server_id = ? AND replay_id = ?')
    .get(serverId, replayId);
  return row === undefined ? undefined : toStored(row);
}

/** By partition of `window-results`. */
export function resultPositions(db: DatabaseSync): Map<number, TopicPosition> {
  return topicPositions(db.prepare('SELECT * FROM result_positions'));
}

/** What is in the table has been checked when it was read from the topic. */
function toStored(row: Record<string, unknown>): StoredResult {
  return {
    result: JSON.parse(String(row['body'])) as WindowResult,
    others: row['others'] === 1,
  };
}
