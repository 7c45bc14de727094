/** What one group holds of `window-results`, written inside the transaction that the caller has begun. */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Group } from './group.ts';

export class ResultStatements {
  readonly #put: StatementSync;
  readonly #drop: StatementSync;
  readonly #position: StatementSync;

  constructor(db: DatabaseSync) {
    // Half of what replacing a row would cost.
    this.#put = db.prepare(
      `INSERT INTO results VALUES (?,?,?,?) ON CONFLICT (server_id, replay_id) DO UPDATE SET
       others = excluded.others, body = excluded.body`,
    );
    this.#drop = db.prepare('DELETE FROM results WHERE server_id = ? AND replay_id = ?');
    this.#position = db.prepare('INSERT OR REPLACE INTO result_positions VALUES (?,?,?)');
  }

  write({ results, resultPositions }: Group): void {
    for (const { serverId, replayId, others, body } of results.values()) {
      if (body === null) this.#drop.run(serverId, replayId);
      else this.#put.run(serverId, replayId, Number(others), body);
    }
    for (const [partition, { offset, topicId = null }] of resultPositions) {
      this.#position.run(partition, offset, topicId);
    }
  }
}
