/**
 * Reads partitions from their leaders: a loop for each leader, and one consumer behind them all that
 * is given one piece at a time. While it works on that, each loop has at most one answer in hand.
 */
import type { fetchV17, RecordsBatch } from '@platformatic/kafka';
import type { LogRecord, PartitionOffset } from '../log/port.ts';
import type { Requests } from './client.ts';
import { hasReason } from './errors.ts';
import { offsetsOf, type Place, placeKey } from './offsets.ts';
import { unlessAborted } from './unless-aborted.ts';

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
  readonly take: (records: readonly LogRecord[]) => Promise<void>;
  /** A broker has answered. */
  readonly onAnswer: () => void;
  /** Records that were still to be read are gone at the broker; reading goes on from the earliest. */
  readonly onGap: (gap: { readonly from: PartitionOffset; readonly to: number }) => void;
}

interface Piece {
  readonly records: readonly LogRecord[];
  /** Behind them. */
  readonly reached: readonly PartitionOffset[];
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
  const loops = [...byLeader].map(async ([node, places]) => {
    const loop = new LeaderLoop({ ...options, node, places, names, taking });
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

  async #handOver({ records, reached }: Piece, signal: AbortSignal): Promise<void> {
    // What was fetched for an earlier share of the partitions is nobody's.
    if (signal.aborted) return;
    const { positions, take } = this.#options;
    for (const place of reached) positions.set(placeKey(place), place);
    if (records.length > 0) await take(records);
  }

  async #fetch(): Promise<Piece[]> {
    try {
      const answer = await this.#request();
      this.#options.onAnswer();
      return this.#piecesOf(answer);
    } catch (error) {
      if (!hasReason(error, 'OFFSET_OUT_OF_RANGE')) throw error;
      await this.#backToEarliest();
      return [];
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
      for (const { partitionIndex: partition, records: batches } of partitions) {
        const next = topic === undefined ? undefined : this.#next.get(`${topic}/${partition}`);
        if (next === undefined) continue;
        const records = (batches ?? []).flatMap((batch) => recordsOf(batch, next));
        const last = batches?.at(-1);
        if (last === undefined) continue;
        const offset = Number(last.firstOffset) + last.lastOffsetDelta + 1;
        this.#next.set(placeKey(next), { ...next, offset: Math.max(offset, next.offset) });
        pieces.push(...cut(records, { ...next, offset }));
      }
    }
    return pieces;
  }

  async #backToEarliest(): Promise<void> {
    const { client, positions, onGap } = this.#options;
    const earliest = await offsetsOf(client, [...this.#next.values()], 'earliest');
    const latest = await offsetsOf(client, [...this.#next.values()], 'latest');
    for (const [key, from] of this.#next) {
      const first = earliest.get(key) ?? 0;
      if (from.offset >= first && from.offset <= (latest.get(key) ?? first)) continue;
      onGap({ from, to: first });
      this.#next.set(key, { ...from, offset: first });
      positions.set(key, { ...from, offset: first });
    }
  }
}

function recordsOf(batch: RecordsBatch, { topic, partition, offset: from }: PartitionOffset) {
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
function cut(records: readonly LogRecord[], end: PartitionOffset): Piece[] {
  const pieces: Piece[] = [];
  for (let at = 0; at < records.length; at += takeRecordsMax) {
    const part = records.slice(at, at + takeRecordsMax);
    const behind = (records[at + takeRecordsMax] ?? end).offset;
    pieces.push({ records: part, reached: [{ ...end, offset: behind }] });
  }
  return pieces.length > 0 ? pieces : [{ records: [], reached: [end] }];
}
