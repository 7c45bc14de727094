/**
 * Reads partitions from the broker that leads them.
 *
 * Invariant: what one answer gave of a partition is handed over before what the next one gives, and
 * before the partition is let go.
 */
import { setImmediate } from 'node:timers/promises';
import type { LogRecord, PartitionOffset } from '../log/port.ts';
import { unlessAborted } from '../../../runtime/unless-aborted.ts';
import type { Requests } from './client.ts';
import { hasReason } from './errors.ts';
import {
  endOf,
  type FetchAnswer,
  type FetchedBatch,
  type FetchedPartition,
} from './fetch-answer.ts';
import { offsetsOf, type Place, placeKey, type Position } from './offsets.ts';
import { type Gap, type Piece, piecesOf } from './pieces.ts';
import { amiss } from './words.ts';

/** How long a broker holds a request while nothing new comes. */
export const fetchWaitMs = 1_000;
/**
 * Bytes of one answer, and of one partition's part in it. A batch that is larger than its part comes
 * alone, so who sends such batches gets a part of twice as much, or more. Two answers may be in hand,
 * but packed: they are unpacked piece by piece.
 */
const answerBytesMax = 1024 * 1024;
const partBytes = 128 * 1024;

/** Ms of unpacking after which the program's loop turns: an answer may hold hundreds of bombs, some 10 ms each. */
const unpackMsMax = 5;

/** What the protocol says where none is known. */
const unknownEpoch = -1;

/** One at a time, in the order of asking. */
export class Turns {
  #last: Promise<unknown> = Promise.resolve();

  take<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(work);
    this.#last = turn.catch(() => {});
    return turn;
  }
}

/** What is read, and who hears of it. */
export interface LeaderReading {
  readonly client: Requests;
  /** Where to read on, by `placeKey`; moved behind what was handed over. */
  readonly positions: Map<string, Position>;
  /** Of the topics that the positions are of. */
  readonly topicIds: ReadonlyMap<string, string>;
  /** @param waitedMsMax as `SlotHandler.take` has it */
  readonly take: (records: readonly LogRecord[], waitedMsMax: number) => Promise<void>;
  /** All before it has been taken, be it records or none. */
  readonly reached: (place: PartitionOffset) => void;
  /** As `SlotHandler` has it. */
  readonly ends?: ((places: readonly PartitionOffset[], agoMs: number) => void) | undefined;
  /** Records that were still to be read are passed by; reading goes on behind them. */
  readonly onGap: (gap: Gap) => void;
  /**
   * Positions are of a topic that is gone, or beyond the end of its log: whoever reads begins anew.
   * @param sameBefore of a log that lost its end and has other records there: only what lies before
   *   is what was read
   */
  readonly onVoid: (sameBefore?: PartitionOffset) => void;
}

export interface LeaderOptions extends LeaderReading {
  readonly node: number;
  readonly taking: Turns;
  /** The broker gives what there is of them. */
  readonly onHeard: (keys: Iterable<string>) => void;
  /** It gives nothing of this partition, which is let go. */
  readonly onLost: (place: Place, error: unknown) => void;
  /** It has none left, and ends. */
  readonly onEnd: () => void;
}

interface Fetched {
  /** Of each partition, unpacked as they are asked for. */
  readonly pieces: readonly Iterable<Piece>[];
  readonly lost: readonly (readonly [Place, unknown])[];
}

export class LeaderLoop {
  readonly #options: LeaderOptions;
  /** Where to fetch next, by `placeKey`: ahead of what was handed over. */
  readonly #next = new Map<string, Position>();
  /** When the last answer came that had all of the partition, by `performance.now()`. */
  readonly #hadAllMs = new Map<string, number>();
  /** What was given of it last, by `placeKey`. */
  readonly #given = new Map<string, Pick<FetchedBatch, 'newestMs' | 'bytes'>>();
  #turn = 0;
  /** For so long it unpacked since the program's loop last turned for it. */
  #unpackedMs = 0;

  constructor(options: LeaderOptions) {
    this.#options = options;
  }

  /** From the next request on. */
  add(from: Position): void {
    this.#next.set(placeKey(from), from);
  }

  /** Until it has no partitions any more, or the signal aborts. @throws what `take` throws */
  async run(signal: AbortSignal): Promise<void> {
    const { taking, onLost, onEnd } = this.#options;
    let coming: Promise<Fetched> | undefined;
    while (!signal.aborted && (coming !== undefined || this.#next.size > 0)) {
      coming ??= this.#fetch();
      const fetched = await unlessAborted(coming, signal, 'reading').catch(() => undefined);
      if (signal.aborted || fetched === undefined) break;
      coming = this.#next.size > 0 ? this.#fetch() : undefined;
      for (const pieces of fetched.pieces) {
        const left = pieces[Symbol.iterator]();
        // Unpacked in its turn: what waits for that is packed, but for the rest of a batch.
        while (await taking.take(() => this.#handOverNext(left, signal)));
      }
      for (const [place, error] of fetched.lost) onLost(place, error);
    }
    onEnd();
  }

  /** @returns whether there was one */
  async #handOverNext(left: Iterator<Piece>, signal: AbortSignal): Promise<boolean> {
    const next = await this.#unpacked(left);
    // What was fetched for an earlier share of the partitions is nobody's.
    if (signal.aborted || next.done === true) return false;
    const { records, gap, reached: place, newerThanMs } = next.value;
    const { positions, take, reached, onGap } = this.#options;
    positions.set(placeKey(place), place);
    if (records.length > 0) await take(records, performance.now() - newerThanMs);
    if (gap !== undefined) onGap(gap);
    reached(place);
    return true;
  }

  async #unpacked(left: Iterator<Piece>): Promise<IteratorResult<Piece>> {
    const fromMs = performance.now();
    const next = left.next();
    this.#unpackedMs += performance.now() - fromMs;
    if (this.#unpackedMs > unpackMsMax) {
      this.#unpackedMs = 0;
      await setImmediate();
    }
    return next;
  }

  /** Never rejects: then all that was asked for is lost. */
  async #fetch(): Promise<Fetched> {
    const asked = [...this.#next.values()];
    const askedMs = performance.now();
    try {
      return await this.#taken(await this.#request(asked), askedMs);
    } catch (error) {
      return { pieces: [], lost: this.#letGo(asked.map((place) => [place, error] as const)) };
    }
  }

  #request(asked: readonly Position[]): Promise<FetchAnswer> {
    const { client, node, topicIds } = this.#options;
    const byTopic = Map.groupBy(this.#inTurn(asked), ({ topic }) => topic);
    const topics = [...byTopic].map(([topic, places]) => ({
      topicId: topicIds.get(topic),
      partitions: places.map(({ partition, offset, leaderEpoch = unknownEpoch }) => ({
        partition,
        currentLeaderEpoch: unknownEpoch,
        fetchOffset: BigInt(offset),
        lastFetchedEpoch: leaderEpoch,
        partitionMaxBytes: this.#partBytesOf({ topic, partition }),
      })),
    }));
    // Without a session: each request says all that it wants.
    const session = { id: 0, epoch: -1 };
    const readUncommitted = 0;
    return client.call(
      'Fetch',
      node,
      fetchWaitMs,
      1,
      answerBytesMax,
      readUncommitted,
      session.id,
      session.epoch,
      topics,
      [],
      '',
    );
  }

  /**
   * A broker fills its answer in the order of asking. By turns each partition is the first, so that none
   * waits for ever whatever times its records have; and those that lag behind in time are: as many
   * bytes of each would let topics of short records run ahead of those of long ones, by hours of a
   * backlog of days, and what is made of all of them together would pile up.
   */
  #inTurn(asked: readonly Position[]): Position[] {
    this.#turn += 1;
    if (this.#turn % 2 === 0) return asked.toSorted((a, b) => this.#givenMs(a) - this.#givenMs(b));
    const first = ((this.#turn - 1) / 2) % asked.length;
    return [...asked.slice(first), ...asked.slice(0, first)];
  }

  #givenMs(place: Place): number {
    return this.#given.get(placeKey(place))?.newestMs ?? 0;
  }

  /** Whole parts, so that batches of about the same size fit. */
  #partBytesOf(place: Place): number {
    const { bytes = 0 } = this.#given.get(placeKey(place)) ?? {};
    const parts = Math.max(1, Math.ceil(bytes / partBytes));
    return Math.min(answerBytesMax, parts * partBytes);
  }

  async #taken({ responses }: FetchAnswer, askedMs: number): Promise<Fetched> {
    const { topicIds, onHeard, ends } = this.#options;
    const names = new Map([...topicIds].map(([topic, id]) => [id, topic]));
    const given = responses.flatMap(({ topicId, partitions }) =>
      partitions.flatMap((partition) => {
        const key = `${names.get(topicId)}/${partition.partitionIndex}`;
        const next = this.#next.get(key);
        return next === undefined ? [] : [[next, partition] as const];
      }),
    );
    const good = given.filter(([, { error }]) => error === undefined);
    for (const [next, { divergesAt }] of good) this.#compare(next, divergesAt);
    const ended = good.map(([next, { highWatermark }]) => ({
      ...next,
      offset: Number(highWatermark),
    }));
    // An answer may have been long on its way.
    ends?.(ended, performance.now() - askedMs);
    const pieces = good.map(([next, partition]) => this.#piecesOf(next, partition));
    onHeard(good.map(([next]) => placeKey(next)));
    const bad = given.flatMap(([next, { error }]) =>
      error === undefined ? [] : [[next, error] as const],
    );
    const isOutOfRange = ([, error]: readonly [Place, unknown]): boolean =>
      hasReason(error, 'OFFSET_OUT_OF_RANGE');
    const { gone, stuck } = await this.#backToEarliest(
      bad.filter(isOutOfRange).map(([next]) => next),
    );
    const refused = bad.filter((each) => !isOutOfRange(each));
    const untold = stuck.map((place) => [place, amiss.nowhere(placeKey(place))] as const);
    return { pieces: [...pieces, gone], lost: this.#letGo([...refused, ...untold]) };
  }

  #piecesOf(next: Position, { records, highWatermark }: FetchedPartition): Iterable<Piece> {
    const key = placeKey(next);
    const newerThanMs = this.#hadAllMs.get(key) ?? Number.NEGATIVE_INFINITY;
    const last = records.at(-1);
    const offset = Math.max(last === undefined ? 0 : endOf(last), next.offset);
    if (offset >= highWatermark) this.#hadAllMs.set(key, performance.now());
    if (last !== undefined) {
      this.#next.set(key, { ...next, offset, leaderEpoch: last.leaderEpoch });
      this.#given.set(key, { newestMs: last.newestMs, bytes: last.bytes });
    }
    return piecesOf(records, { from: next, newerThanMs });
  }

  #compare(next: Position, divergesAt: bigint | undefined): void {
    if (divergesAt === undefined) return;
    // It need not be asked again: either all is void, or it lost nothing that we had.
    this.#next.set(placeKey(next), withoutEpoch(next));
    const offset = Number(divergesAt);
    if (offset < next.offset) this.#options.onVoid({ ...next, offset });
  }

  /**
   * @returns `gone`: where partitions go on, whose records are gone; `stuck`: those of which nothing
   *   says where, and which would be refused again at once
   */
  async #backToEarliest(
    places: readonly Position[],
  ): Promise<{ gone: Piece[]; stuck: Position[] }> {
    if (places.length === 0) return { gone: [], stuck: [] };
    const { client, onGap, onVoid } = this.#options;
    const [earliest, latest] = await Promise.all([
      offsetsOf(client, places, 'earliest'),
      offsetsOf(client, places, 'latest'),
    ]);
    const gone: Piece[] = [];
    const stuck: Position[] = [];
    for (const from of places) {
      const key = placeKey(from);
      const isVoid = from.offset > (latest.get(key) ?? Infinity);
      if (isVoid) onVoid();
      // Nor can a log tell whether it has what was read, when it knows nothing of that time.
      this.#next.set(key, withoutEpoch(from));
      const first = earliest.get(key) ?? from.offset;
      if (first <= from.offset) {
        const isAskedOtherwise = from.leaderEpoch !== undefined && earliest.has(key);
        if (!isVoid && !isAskedOtherwise) stuck.push(from);
        continue;
      }
      onGap({ from, to: first });
      const reached = { ...withoutEpoch(from), offset: first };
      this.#next.set(key, reached);
      this.#hadAllMs.delete(key);
      gone.push({ records: [], reached, newerThanMs: Number.NEGATIVE_INFINITY });
    }
    return { gone, stuck };
  }

  #letGo<T extends readonly [Place, unknown]>(lost: readonly T[]): readonly T[] {
    for (const [place] of lost) {
      this.#next.delete(placeKey(place));
      this.#hadAllMs.delete(placeKey(place));
      this.#given.delete(placeKey(place));
    }
    return lost;
  }
}

function withoutEpoch({ topic, partition, offset }: Position): Position {
  return { topic, partition, offset };
}
