/**
 * Reads partitions from their leaders: a loop for each leader, and one consumer behind them all that
 * is given one piece at a time. While it works on that, each loop has at most one answer in hand.
 */
import type { fetchV17 } from '@platformatic/kafka';
import type { LogRecord, PartitionOffset } from '../log/port.ts';
import type { Requests } from './client.ts';
import { hasReason } from './errors.ts';
import type { FetchedBatch } from './fetch-answer.ts';
import { offsetsOf, type Place, placeKey } from './offsets.ts';
import { unlessAborted } from '../../../runtime/unless-aborted.ts';

/** How long a broker holds a request while nothing new comes. */
export const fetchWaitMs = 1_000;
/**
 * Bytes of one answer, and of one partition's part in it; a larger batch comes alone. Small records
 * take many times as much once they are taken apart, and two answers may be in hand.
 */
const answerBytesMax = 1024 * 1024;
const partitionBytesMax = 256 * 1024;
/** Records handed over at once: some 20 ms of a collector's work, so that its loop goes on turning. */
const takeRecordsMax = 2_000;
/** Attributes of a batch: its records have the broker's time; it holds marks of transactions. */
const brokersTime = 0b1000;
const control = 0b10_0000;

export interface FetchingOptions {
  readonly client: Requests;
  /** Where to read on, by `placeKey`; moved behind what was handed over. */
  readonly positions: Map<string, PartitionOffset>;
  /** @param waitedMsMax as `SlotHandler.take` has it */
  readonly take: (records: readonly LogRecord[], waitedMsMax: number) => Promise<void>;
  /** All before it has been taken, be it records or none. */
  readonly reached: (place: PartitionOffset) => void;
  /** All brokers that have a part of it have answered. */
  readonly onAnswer: () => void;
  /** Records that were still to be read are passed by; reading goes on behind them. */
  readonly onGap: (gap: Gap) => void;
}

export interface Gap {
  readonly from: PartitionOffset;
  readonly to: number;
  /** Why they cannot be read; undefined where they are gone at the broker. */
  readonly reason?: string;
}

interface Piece {
  readonly records: readonly LogRecord[];
  /** Behind them. */
  readonly reached: PartitionOffset;
  /** When none of them was there yet, by `performance.now()`. */
  readonly newerThanMs: number;
}

/** Reads until the signal aborts. @throws the first error of a broker, or what `take` throws */
export async function fetchAll(options: FetchingOptions, signal: AbortSignal): Promise<void> {
  const { client, positions } = options;
  const topics = [...new Set([...positions.values()].map(({ topic }) => topic))];
  const { topics: known } = await client.metadata(topics);
  const byLeader = Map.groupBy(positions.values(), ({ topic, partition }) => {
    const leader = known.get(topic)?.partitions[partition]?.leader;
    if (leader === undefined) throw new Error(`${topic}/${partition} has no leader`);
    return leader;
  });
  const names = new Map([...known].map(([name, { id }]) => [id, name]));
  const failing = new AbortController();
  const both = AbortSignal.any([signal, failing.signal]);
  const taking = new Turns();
  const silent = new Set(byLeader.keys());
  const loops = [...byLeader].map(async ([node, places]) => {
    const onAnswer = (): void => {
      silent.delete(node);
      if (silent.size === 0) options.onAnswer();
    };
    const loop = new LeaderLoop({ ...options, onAnswer, node, places, names, taking });
    try {
      await loop.run(both);
    } catch (error) {
      failing.abort();
      throw error;
    }
  });
  // None is left at work behind the back of whoever goes on after an error.
  const failed = (await Promise.allSettled(loops)).find(({ status }) => status === 'rejected');
  if (failed?.status === 'rejected') throw failed.reason;
}

/** One at a time, in the order of asking. */
class Turns {
  #last: Promise<unknown> = Promise.resolve();

  take<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(work);
    this.#last = turn.catch(() => {});
    return turn;
  }
}

interface LeaderOptions extends FetchingOptions {
  readonly node: number;
  readonly places: readonly Place[];
  /** Topic by its id. */
  readonly names: ReadonlyMap<string, string>;
  readonly taking: Turns;
}

class LeaderLoop {
  readonly #options: LeaderOptions;
  /** Where to fetch next: ahead of what was handed over. */
  readonly #next: Map<string, PartitionOffset>;
  /** When the last answer came that had all of the partition, by `performance.now()`. */
  readonly #hadAllMs = new Map<string, number>();
  #turn = 0;

  constructor(options: LeaderOptions) {
    const { places, positions } = options;
    this.#options = options;
    this.#next = new Map(
      places.map((place) => [
        placeKey(place),
        positions.get(placeKey(place)) ?? { ...place, offset: 0 },
      ]),
    );
  }

  async run(signal: AbortSignal): Promise<void> {
    let coming = this.#fetch();
    while (!signal.aborted) {
      const pieces = await unlessAborted(coming, signal, 'reading').catch((error: unknown) => {
        if (signal.aborted) return [];
        throw error;
      });
      if (signal.aborted) break;
      coming = this.#fetch();
      // It is awaited only when these are dealt with.
      coming.catch(() => {});
      for (const piece of pieces) {
        await this.#options.taking.take(() => this.#handOver(piece, signal));
      }
    }
    coming.catch(() => {});
  }

  async #handOver(piece: Piece, signal: AbortSignal): Promise<void> {
    // What was fetched for an earlier share of the partitions is nobody's.
    if (signal.aborted) return;
    const { records, reached: place, newerThanMs } = piece;
    const { positions, take, reached } = this.#options;
    positions.set(placeKey(place), place);
    if (records.length > 0) await take(records, performance.now() - newerThanMs);
    reached(place);
  }

  async #fetch(): Promise<Piece[]> {
    try {
      const answer = await this.#request();
      this.#options.onAnswer();
      return this.#piecesOf(answer);
    } catch (error) {
      if (!hasReason(error, 'OFFSET_OUT_OF_RANGE')) throw error;
      return this.#backToEarliest();
    }
  }

  #request(): Promise<fetchV17.FetchResponse> {
    const { client, node, names } = this.#options;
    const places = this.#rotated();
    const topics = [...names].map(([topicId, name]) => ({
      topicId,
      partitions: places
        .filter(({ topic }) => topic === name)
        .map(({ partition, offset }) => ({
          partition,
          currentLeaderEpoch: -1,
          fetchOffset: BigInt(offset),
          lastFetchedEpoch: -1,
          partitionMaxBytes: partitionBytesMax,
        })),
    }));
    const wanted = topics.filter(({ partitions }) => partitions.length > 0);
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
      wanted,
      [],
      '',
    );
  }

  /** A broker fills its answer in the order of asking: each partition is the first in its turn. */
  #rotated(): PartitionOffset[] {
    const places = [...this.#next.values()];
    this.#turn = (this.#turn + 1) % places.length;
    return [...places.slice(this.#turn), ...places.slice(0, this.#turn)];
  }

  #piecesOf({ responses }: fetchV17.FetchResponse): Piece[] {
    const pieces: Piece[] = [];
    for (const { topicId, partitions } of responses) {
      const topic = this.#options.names.get(topicId);
      for (const { partitionIndex: partition, records: batches, highWatermark } of partitions) {
        const next = topic === undefined ? undefined : this.#next.get(`${topic}/${partition}`);
        if (next === undefined) continue;
        const newerThanMs = this.#hadAllMs.get(placeKey(next)) ?? Number.NEGATIVE_INFINITY;
        const records = (batches ?? []).flatMap((batch) => this.#readable(batch, next));
        const last = batches?.at(-1);
        const behind = last === undefined ? 0 : Number(last.firstOffset) + last.lastOffsetDelta + 1;
        const end = { ...next, offset: Math.max(behind, next.offset) };
        if (end.offset >= highWatermark) this.#hadAllMs.set(placeKey(next), performance.now());
        if (last === undefined) continue;
        this.#next.set(placeKey(next), end);
        pieces.push(...cut(records, { end, newerThanMs }));
      }
    }
    return pieces;
  }

  /** A batch that cannot be read now never can: told, and passed by. */
  #readable(batch: FetchedBatch, from: PartitionOffset): LogRecord[] {
    if (batch.unreadable === undefined) return recordsOf(batch, from);
    const first = Number(batch.firstOffset);
    const to = first + batch.lastOffsetDelta + 1;
    this.#options.onGap({ from: { ...from, offset: first }, to, reason: batch.unreadable });
    return [];
  }

  /** @returns where partitions go on, whose records are gone */
  async #backToEarliest(): Promise<Piece[]> {
    const pieces: Piece[] = [];
    const { client, onGap } = this.#options;
    const earliest = await offsetsOf(client, [...this.#next.values()], 'earliest');
    const latest = await offsetsOf(client, [...this.#next.values()], 'latest');
    for (const [key, from] of this.#next) {
      const first = earliest.get(key) ?? 0;
      if (from.offset >= first && from.offset <= (latest.get(key) ?? first)) continue;
      onGap({ from, to: first });
      const reached = { ...from, offset: first };
      this.#next.set(key, reached);
      this.#hadAllMs.delete(key);
      pieces.push({ records: [], reached, newerThanMs: Number.NEGATIVE_INFINITY });
    }
    return pieces;
  }
}

function recordsOf(batch: FetchedBatch, { topic, partition, offset: from }: PartitionOffset) {
  if ((batch.attributes & control) !== 0) return [];
  const first = Number(batch.firstOffset);
  const ofBroker = (batch.attributes & brokersTime) !== 0;
  return batch.records.flatMap(({ key, value, headers, offsetDelta, timestampDelta }) => {
    const offset = first + offsetDelta;
    // A batch comes whole, though reading begins within it.
    if (offset < from) return [];
    const timeMs = Number(ofBroker ? batch.maxTimestamp : batch.firstTimestamp + timestampDelta);
    const record: LogRecord = {
      topic,
      partition,
      offset,
      key: key ?? undefined,
      value: value ?? undefined,
      headers: new Map(headers.map(([name, text]) => [String(name), text ?? Buffer.alloc(0)])),
      timeMs: timeMs < 0 ? Date.now() : timeMs,
    };
    return [record];
  });
}

/** Pieces of bounded size; behind the last one nothing is left to read. */
function cut(
  records: readonly LogRecord[],
  { end, newerThanMs }: { end: PartitionOffset; newerThanMs: number },
): Piece[] {
  const pieces: Piece[] = [];
  for (let at = 0; at < records.length; at += takeRecordsMax) {
    const part = records.slice(at, at + takeRecordsMax);
    const behind = (records[at + takeRecordsMax] ?? end).offset;
    pieces.push({ records: part, reached: { ...end, offset: behind }, newerThanMs });
  }
  return pieces.length > 0 ? pieces : [{ records: [], reached: end, newerThanMs }];
}
