/** How far a collector's store has the log. */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { ReadPlace } from '../../wire/transport/log/port.ts';
import type { TopicPosition } from './group.ts';

/** Of topics of samples: `offset` is the first that is not stored. */
export function readLogPositions(db: DatabaseSync): ReadPlace[] {
  return db
    .prepare('SELECT topic, partition, taken_through, topic_id FROM log_positions')
    .all()
    .map((row) => ({
      topic: String(row['topic']),
      partition: Number(row['partition']),
      offset: Number(row['taken_through']),
      topicId: idIn(row),
    }));
}

/** Of a topic that every collector reads whole, by partition. */
export function topicPositions(rows: StatementSync): Map<number, TopicPosition> {
  return new Map(
    rows.all().map((row) => {
      const position = { offset: Number(row['next_offset']), topicId: idIn(row) };
      return [Number(row['partition']), position];
    }),
  );
}

function idIn({ topic_id: id }: Record<string, unknown>): string | undefined {
  return typeof id === 'string' ? id : undefined;
}
