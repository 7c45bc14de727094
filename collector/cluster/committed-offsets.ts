/**
 * What of our partitions the group has, and since when it could have more.
 *
 * Invariant: a partition waits from the first time that an offset other than the committed one is
 * given for it until one is committed, or it is ours no longer.
 */
import type { Clock } from '../../runtime/clock.ts';
import type { PartitionOffset } from '../../wire/transport/log/port.ts';
import { keyOf } from './positions.ts';

export class CommittedOffsets {
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  /** By `keyOf`. */
  readonly #offsets = new Map<string, number>();
  /** Likewise, of those that wait: monotonic. */
  readonly #waitingSinceMs = new Map<string, number>();

  constructor(clock: Pick<Clock, 'monotonicMs'>) {
    this.#clock = clock;
  }

  /** The longest that any partition waits; 0 when all is committed. */
  get uncommittedMs(): number {
    const nowMs = this.#clock.monotonicMs();
    return nowMs - Math.min(nowMs, ...this.#waitingSinceMs.values());
  }

  /** @returns those of what may be committed that are not; their partitions wait from now on */
  newsOf(committable: readonly PartitionOffset[]): PartitionOffset[] {
    const news = committable.filter((each) => this.#offsets.get(keyOf(each)) !== each.offset);
    const nowMs = this.#clock.monotonicMs();
    for (const key of news.map(keyOf)) {
      if (!this.#waitingSinceMs.has(key)) this.#waitingSinceMs.set(key, nowMs);
    }
    return news;
  }

  /** They are committed. */
  add(offsets: readonly PartitionOffset[]): void {
    for (const each of offsets) {
      this.#offsets.set(keyOf(each), each.offset);
      this.#waitingSinceMs.delete(keyOf(each));
    }
  }

  /** The partition is another's, or is read from another place. */
  forget(place: Pick<PartitionOffset, 'topic' | 'partition'>): void {
    this.#offsets.delete(keyOf(place));
    this.#waitingSinceMs.delete(keyOf(place));
  }
}
