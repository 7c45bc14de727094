/**
 * What the numbers in a log come to, partition by partition. Pure: it is handed records.
 *
 * Invariant: a partition's total is that of all its numbers below its offset, and of those that were
 * there when they were read: what its log lost since stays added up. Both are committed together, so
 * whoever reads on from there knows the total without the numbers.
 */
import { decodeNumber } from '../../wire/compat/seed-d.ts';
import type {
  Commit,
  LogRecord,
  SlotStart,
  UnreadableRecords,
} from '../../wire/transport/log/port.ts';

export interface Sum {
  /** Exact, however large. */
  readonly total: bigint;
  /** How many were added up. */
  readonly numbers: number;
}

/** A record that is no number, or several that follow each other and cannot be read. */
export interface Malformed {
  readonly partition: number;
  readonly offset: number;
  readonly records: number;
  readonly reason: string;
}

interface Part extends Sum {
  readonly commit: Pick<Commit, 'topic' | 'partition' | 'offset'>;
  readonly isCommitted: boolean;
}

const none: Sum = { total: 0n, numbers: 0 };

export class Totals {
  readonly #parts = new Map<number, Part>();

  /** Over all partitions that are ours. */
  get sum(): Sum {
    return [...this.#parts.values()].reduce(plus, none);
  }

  /** @returns partitions that somebody without totals has read before: theirs begins at 0 there */
  assigned(slots: ReadonlySet<number>, startsAt: readonly SlotStart[]): SlotStart[] {
    for (const partition of this.#parts.keys()) {
      if (!slots.has(partition)) this.#parts.delete(partition);
    }
    const unknown: SlotStart[] = [];
    for (const start of startsAt) {
      const { topic, partition, offset, note } = start;
      const known = note === undefined ? undefined : sumIn(note);
      if (known === undefined && offset > 0) unknown.push(start);
      const commit = { topic, partition, offset };
      this.#parts.set(partition, { ...(known ?? none), commit, isCommitted: true });
    }
    return unknown;
  }

  /** @returns those that are no numbers, which are skipped */
  take(records: readonly LogRecord[]): Malformed[] {
    const malformed: Malformed[] = [];
    for (const { topic, partition, offset, value } of records) {
      const decoded = decodeNumber(value);
      const before = this.#parts.get(partition) ?? none;
      if ('malformed' in decoded) {
        malformed.push({ partition, offset, records: 1, reason: decoded.malformed });
      }
      const after = 'number' in decoded ? plus(before, sumOf(decoded.number)) : before;
      const { total, numbers } = after;
      const commit = { topic, partition, offset: offset + 1 };
      this.#parts.set(partition, { total, numbers, commit, isCommitted: false });
    }
    return malformed;
  }

  /** Passes by what cannot be read. */
  pass({ topic, partition, offset, endOffset, reason }: UnreadableRecords): Malformed {
    const { total, numbers } = this.#parts.get(partition) ?? none;
    const commit = { topic, partition, offset: endOffset };
    this.#parts.set(partition, { total, numbers, commit, isCommitted: false });
    return { partition, offset, records: endOffset - offset, reason };
  }

  /** What has not been committed yet. */
  get uncommitted(): Commit[] {
    return [...this.#parts.values()]
      .filter(({ isCommitted }) => !isCommitted)
      .map(({ commit: { topic, partition, offset }, ...sum }) => {
        return { topic, partition, offset, note: noteOf(sum) };
      });
  }

  committed(commits: readonly Commit[]): void {
    for (const { partition, offset } of commits) {
      const part = this.#parts.get(partition);
      if (part?.commit.offset === offset)
        this.#parts.set(partition, { ...part, isCommitted: true });
    }
  }
}

function plus(a: Sum, b: Sum): Sum {
  return { total: a.total + b.total, numbers: a.numbers + b.numbers };
}

function sumOf(number: number): Sum {
  return { total: BigInt(number), numbers: 1 };
}

function noteOf({ total, numbers }: Sum): string {
  return JSON.stringify({ total: String(total), numbers });
}

/** Undefined where somebody else wrote it. */
function sumIn(note: string): Sum | undefined {
  const match = /^\{"total":"(\d{1,40})","numbers":(\d{1,15})\}$/.exec(note);
  if (match === null) return undefined;
  return { total: BigInt(match[1] ?? 0), numbers: Number(match[2]) };
}
