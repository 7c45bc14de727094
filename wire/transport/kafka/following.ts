/**
 * Follows one topic, whole.
 *
 * Invariant: positions are of the topic that was opened last; one that is made anew is opened anew.
 */
import type { Logger } from '../../../runtime/logging.ts';
import type { LogReader, LogRecord, PartitionOffset, ReadPlace } from '../log/port.ts';
import type { Requests } from './client.ts';
import { fetchAll } from './fetching.ts';
import { offsetsOf, type Place, placeKey, type Position } from './offsets.ts';
import { warnOfGap, warnOfLostEnd } from './starts.ts';
import { amiss } from './words.ts';

/** After so long it looks for new partitions. */
const roundMs = 60_000;

export type Handlers = Parameters<LogReader['follow']>[1];

/** What the handlers threw: never to be tried again. */
export class HandlerFailure extends Error {}

export interface Followed {
  readonly topic: string;
  readonly log: Logger;
  readonly onAnswer: () => void;
  readonly onTrouble: (error: unknown, until: AbortSignal) => Promise<void>;
}

export class Following {
  readonly #client: Requests;
  readonly #of: Followed;
  readonly #handlers: Handlers;
  readonly #positions = new Map<string, Position>();
  /** Of the topic that is read; undefined: it must be opened, be it for the first time or anew. */
  #topicId: string | undefined;
  /** Where each partition ended at the beginning; undefined where no leader has told yet. */
  readonly #ends = new Map<string, number | undefined>();
  #isCaughtUp = false;

  constructor(client: Requests, of: Followed, handlers: Handlers) {
    this.#client = client;
    this.#of = of;
    this.#handlers = handlers;
  }

  /** @param from where to begin, for the round that opens the topic */
  async round(from: readonly ReadPlace[], signal: AbortSignal): Promise<void> {
    const { topic, log, onAnswer, onTrouble } = this.#of;
    const { topics } = await this.#client.metadata([topic]);
    const { id, partitionsCount: count } = topics.get(topic) ?? {};
    if (id === undefined) throw amiss.noTopic(topic);
    const places = Array.from({ length: count ?? 0 }, (_, partition) => ({ topic, partition }));
    await this.#open(id, { places, from });
    this.#tellCaughtUp();
    const ended = new AbortController();
    await fetchAll(
      {
        client: this.#client,
        positions: this.#positions,
        topicIds: new Map([[topic, id]]),
        take: (records) => this.#take(records),
        reached: (place) => {
          this.#handlers.reached?.([place]);
          this.#tellCaughtUp();
        },
        ends: (known, agoMs) => {
          this.#handlers.ends?.(known, agoMs);
          this.#noteEnds(known);
        },
        onAnswer,
        onTrouble,
        onGap: warnOfGap(log, this.#handlers.unreadable),
        onVoid: (sameBefore) => {
          if (sameBefore !== undefined) warnOfLostEnd(log, sameBefore);
          this.#topicId = undefined;
          ended.abort();
        },
      },
      AbortSignal.any([signal, AbortSignal.timeout(roundMs), ended.signal]),
    );
  }

  /** Positions of all partitions; where this is another topic than before, its own. */
  async #open(
    id: string,
    { places, from }: { places: readonly Place[]; from: readonly ReadPlace[] },
  ) {
    const [earliest, latest] = await Promise.all([
      offsetsOf(this.#client, places, 'earliest'),
      offsetsOf(this.#client, places, 'latest'),
    ]);
    const isAnew = this.#topicId !== id;
    if (isAnew) {
      this.#positions.clear();
      this.#ends.clear();
      for (const place of places) this.#ends.set(placeKey(place), latest.get(placeKey(place)));
    }
    for (const place of isAnew ? from : []) {
      const { topic, partition, offset, topicId = id } = place;
      const isThere = topicId === id && offset <= (latest.get(placeKey(place)) ?? Infinity);
      if (isThere) this.#positions.set(placeKey(place), { topic, partition, offset });
    }
    if (isAnew) this.#handlers.opened?.(id, [...this.#positions.values()]);
    this.#topicId = id;
    const begun: Position[] = [];
    for (const place of places) {
      const key = placeKey(place);
      if (this.#positions.has(key)) continue;
      const position = { ...place, offset: earliest.get(key) ?? 0 };
      this.#positions.set(key, position);
      begun.push(position);
    }
    this.#handlers.reached?.(begun);
  }

  #noteEnds(known: readonly PartitionOffset[]): void {
    for (const place of known) {
      const key = placeKey(place);
      if (this.#ends.get(key) === undefined) this.#ends.set(key, place.offset);
    }
    // Of what is empty nothing else will come.
    this.#tellCaughtUp();
  }

  async #take(records: readonly LogRecord[]): Promise<void> {
    try {
      await this.#handlers.take(records);
    } catch (cause) {
      throw new HandlerFailure('', { cause });
    }
  }

  #tellCaughtUp(): void {
    if (this.#isCaughtUp) return;
    const behind = [...this.#ends].some(
      ([key, end]) => end === undefined || (this.#positions.get(key)?.offset ?? 0) < end,
    );
    if (behind) return;
    this.#isCaughtUp = true;
    this.#handlers.caughtUp();
  }
}
