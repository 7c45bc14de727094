/**
 * What was read of `window-results` and waits for a commit: the newest record of each key, and how far
 * the topic was read. Both go into the same one.
 *
 * In our own records nothing is new to the store but the first one of a server, and a restart would read
 * them again, so they may wait: while a log is read up each commit would else write 2 kB of most servers.
 */
import type { Clock } from '../../../runtime/clock.ts';
import type { Group, ResultRow, TopicPosition } from '../../store/group.ts';

/** Records of our own wait so long at most, and until the next tick where nothing more comes. */
export const ownWaitMs = 2_000;
/** So many rows that wait are stored at once: the loop stands still for a commit, 30 µs for each of them. */
export const rowsMax = 5_000;

export class PendingResults {
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  readonly #rows = new Map<string, ResultRow>();
  readonly #positions = new Map<number, TopicPosition>();
  /** Something waits since then, monotonic. */
  #sinceMs = Number.POSITIVE_INFINITY;
  #isUrgent = false;

  constructor(clock: Pick<Clock, 'monotonicMs'>) {
    this.#clock = clock;
  }

  put(key: string, row: ResultRow): void {
    this.#rows.set(key, row);
    this.#waits();
  }

  reached(partition: number, position: TopicPosition): void {
    this.#positions.set(partition, position);
    this.#waits();
  }

  /** Undefined: as it is stored, or waits in the group. */
  newest(key: string): ResultRow | undefined {
    return this.#rows.get(key);
  }

  /** Something that waits is new to the store. */
  hurry(): void {
    this.#isUrgent = true;
  }

  get isDue(): boolean {
    if (this.#isUrgent || this.#rows.size >= rowsMax) return true;
    return this.#clock.monotonicMs() - this.#sinceMs >= ownWaitMs;
  }

  moveInto(group: Pick<Group, 'results' | 'resultPositions'>): void {
    for (const [key, row] of this.#rows) group.results.set(key, row);
    for (const [partition, position] of this.#positions) {
      group.resultPositions.set(partition, position);
    }
    this.#rows.clear();
    this.#positions.clear();
    this.#sinceMs = Number.POSITIVE_INFINITY;
    this.#isUrgent = false;
  }

  #waits(): void {
    if (this.#sinceMs === Number.POSITIVE_INFINITY) this.#sinceMs = this.#clock.monotonicMs();
  }
}
