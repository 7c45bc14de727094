/** How far a collector's store has taken in each partition of the log. */
import type { DatabaseSync } from 'node:sqlite';
import type { PartitionOffset } from '../../wire/transport/log/port.ts';

/** `offset` is the first that is not stored. */
export function readLogPositions(db: DatabaseSync): PartitionOffset[] {
  return db
    .prepare('SELECT topic, partition, taken_through FROM log_positions')
    .all()
    .map((row) => ({
      topic: String(row['topic']),
      partition: Number(row['partition']),
      offset: Number(row['taken_through']),
    }));
}
