/**
 * Reads as a member of a group. A share lasts until the group asks for another one, or this member
 * was not heard for so long that its share is another's. What was fetched for one share is never
 * handed over under the next; positions of slots that are kept go on.
 */
import { WindrowError } from '../../../runtime/errors.ts';
import { pause, withinMs } from '../../../runtime/lifecycle.ts';
import type { Logger } from '../../../runtime/logging.ts';
import type {
  Commit,
  GroupConsumer,
  GroupOptions,
  PartitionOffset,
  SlotHandler,
  SlotStart,
} from '../log/port.ts';
import { missingIn, readingOf, slotOf, type SlotPlace, type Topics } from '../log/slots.ts';
import { KafkaClient } from './client.ts';
import type { KafkaSettings } from './connection.ts';
import { kafkaError } from './errors.ts';
import { fetchAll, type FetchingOptions } from './fetching.ts';
import { Interruption } from './interruption.ts';
import { type Held, keptSlots } from './kept-slots.ts';
import { fetchWaitMs } from './leader-loop.ts';
import { groupMoves, Membership, rebalanceMs, type Share } from './membership.ts';
import { placeKey, type Position } from './offsets.ts';
import { startsOf, warnOfGap, warnOfLostEnd } from './starts.ts';
import { Trouble } from './trouble.ts';
import { unlessAborted } from '../../../runtime/unless-aborted.ts';

const heartbeatMs = 2_500;
const heartbeatMsMax = 5_000;
/** How often it looks whether topics came, went or have more partitions by now. */
const topicsEveryMs = 10_000;
export const leaveMsMax = 2_000;
/** An answer that takes longer never comes; those of the group wait for its members. */
const groupRequestMsMax = rebalanceMs + 10_000;
const fetchRequestMsMax = fetchWaitMs + 15_000;

/** What the handler threw: never to be tried again. */
class HandlerFailure extends Error {}

interface Clients {
  readonly fetching: KafkaClient;
  readonly group: KafkaClient;
}

interface Working {
  readonly membership: Membership;
  readonly handler: SlotHandler;
  readonly trouble: Trouble;
  readonly interruption: Interruption;
}

export class KafkaConsumer implements GroupConsumer {
  readonly #settings: KafkaSettings;
  readonly #options: GroupOptions;
  readonly #log: Logger;
  #membership: Membership | undefined;
  readonly #positions = new Map<string, Position>();
  /** By `placeKey`, of logs that lost their end since the last share: as `SlotStart` has it. */
  readonly #sameBefore = new Map<string, number>();
  /** As of the last share. */
  #slots: ReadonlySet<number> = new Set();
  /** Those that the positions are of. */
  #topics: Topics = new Map();
  /** Undefined: whatever it had may have been another's since, or is void. */
  #held: Held | undefined;
  /** Why there is no share; undefined while there is one, or nothing but the group is waited for. */
  #failure: WindrowError | undefined;

  constructor(settings: KafkaSettings, options: GroupOptions, log: Logger) {
    this.#settings = settings;
    this.#options = options;
    this.#log = log;
  }

  get ownsShare(): boolean {
    return this.#held !== undefined && this.#membership?.isHeard === true;
  }

  async run(handler: SlotHandler, signal: AbortSignal): Promise<void> {
    const open = (requestMsMax: number): Promise<KafkaClient> =>
      KafkaClient.open(this.#settings, { requestMsMax });
    const clients: Clients = {
      fetching: await open(fetchRequestMsMax),
      // A request that waits for the group's members holds up all behind it on its connection.
      group: await open(groupRequestMsMax),
    };
    const membership = new Membership(clients.group, this.#options);
    this.#membership = membership;
    const trouble = new Trouble(this.#log, 'reading from the brokers again');
    const interruption = new Interruption((why) => handler.interrupted?.(why));
    const working = { membership, handler, trouble, interruption };
    try {
      while (!signal.aborted) {
        try {
          await this.#workOnShare(clients, working, signal).finally(() => handler.parted?.());
          interruption.begin('share', 'the group shares its slots anew');
        } catch (error) {
          if (error instanceof HandlerFailure) throw error.cause;
          const told = this.#told(error);
          if (told.code === 'config') throw told;
          if (signal.aborted) break;
          this.#failure = told;
          interruption.begin('share', told.message);
          await trouble.failed(told, signal);
        }
      }
    } finally {
      this.#membership = undefined;
      await withinMs('leaving', leaveMsMax, () => membership.leave()).catch(() => {});
      await Promise.all([clients.fetching.close(), clients.group.close()]);
    }
  }

  async commit(offsets: readonly Commit[], signal: AbortSignal): Promise<void> {
    const membership = this.#membership;
    const share = this.#held?.share;
    const owns = (place: PartitionOffset): boolean =>
      share?.slots.has(slotOf(place, this.#options)) === true;
    if (membership === undefined || share === undefined || !offsets.every(owns)) {
      throw this.#failure ?? groupMoves();
    }
    try {
      await unlessAborted(membership.commit(offsets, share, this.#positions), signal, 'committing');
    } catch (error) {
      throw this.#told(error);
    }
  }

  async #workOnShare({ fetching }: Clients, working: Working, signal: AbortSignal): Promise<void> {
    const { membership, handler, trouble, interruption } = working;
    const joining = membership.join(this.#slots);
    joining.catch(() => {});
    const share = await unlessAborted(joining, signal, 'joining');
    const ended = new AbortController();
    const both = AbortSignal.any([signal, ended.signal]);
    // Until the work on this share is done and the next one is asked for, the group must hear of us.
    const done = new AbortController();
    const end = (): void => {
      if (!done.signal.aborted) handler.ending?.();
      ended.abort();
    };
    const lost = (): void => {
      this.#held = undefined;
      handler.parted?.();
      end();
    };
    const watched = { membership, share, end, lost, interruption };
    const watching = this.#watch(watched, done.signal).finally(end);
    watching.catch(() => {});
    try {
      const reading = readingOf(share.slots, share.topics, this.#options);
      const starts = await this.#begin({ share, reading }, { client: fetching, membership });
      const missing = missingIn(share.topics, this.#options);
      await handled(async () => {
        if (missing.length > 0) handler.missing?.(missing);
        await handler.assigned(share.slots, starts, reading.uneven);
      });
      this.#failure = undefined;
      trouble.over();
      interruption.endAll();
      const onVoid = (sameBefore?: PartitionOffset): void => {
        if (sameBefore !== undefined) this.#noteLostEnd(sameBefore);
        lost();
      };
      await this.#fetch(reading.places, { client: fetching, onVoid, ...working }, both);
    } finally {
      done.abort();
    }
    await watching;
  }

  /** Lets the group hear of us until the signal aborts, and ends the share when it is no longer ours. */
  async #watch(
    { membership, share, end, lost, interruption }: Watched,
    signal: AbortSignal,
  ): Promise<void> {
    let lookedMs = performance.now();
    while (!signal.aborted) {
      await pause(heartbeatMs, signal);
      if (signal.aborted) return;
      const asked = await heartbeat(membership, signal);
      const nowMs = performance.now();
      if (typeof asked === 'string') {
        interruption.end('heartbeat');
      } else if (!signal.aborted) {
        interruption.begin('heartbeat', this.#told(asked.unheard).message);
      }
      if (asked === 'rebalance') end();
      if (asked === 'lost' || !(asked === 'rebalance' || membership.isHeard)) return lost();
      if (nowMs - lookedMs < topicsEveryMs) continue;
      lookedMs = nowMs;
      if (await areOthers(membership, share.topics)) end();
    }
  }

  /** Notes what is ours from now on. @returns where partitions begin that were not before */
  async #begin(
    held: Held,
    { client, membership }: { client: KafkaClient; membership: Membership },
  ): Promise<SlotStart[]> {
    const before = this.#held;
    this.#held = undefined;
    const kept = keptSlots(before, held);
    const { places } = held.reading;
    const isKept = (place: SlotPlace): boolean =>
      kept.has(place.slot) && this.#positions.has(placeKey(place));
    const fresh = places.filter((place) => !isKept(place));
    const sameBefore = this.#sameBefore;
    // The others may have lost their ends too: what ends a share is told of one log.
    const read = fresh.flatMap((place) => {
      const isSame = this.#topics.get(place.topic)?.id === place.topicId;
      return (isSame ? this.#positions.get(placeKey(place)) : undefined) ?? [];
    });
    const from = { client, membership, sameBefore, read, log: this.#log };
    const { starts, positions } = await startsOf(fresh, from);
    sameBefore.clear();
    const keys = new Set(places.map((place) => placeKey(place)));
    for (const key of this.#positions.keys()) if (!keys.has(key)) this.#positions.delete(key);
    for (const position of positions) this.#positions.set(placeKey(position), position);
    this.#slots = held.share.slots;
    this.#topics = held.share.topics;
    this.#held = held;
    return starts;
  }

  async #fetch(
    places: readonly SlotPlace[],
    { client, handler, trouble, interruption, onVoid }: Fetching,
    signal: AbortSignal,
  ): Promise<void> {
    const options: FetchingOptions = {
      client,
      positions: this.#positions,
      topicIds: new Map(places.map(({ topic, topicId }) => [topic, topicId])),
      take: (records, waitedMsMax) => handled(() => handler.take(records, waitedMsMax)),
      reached: (place) => handler.reached?.([place]),
      ends: handler.ends?.bind(handler),
      onAnswer() {
        trouble.over();
        interruption.end('fetching');
      },
      onTrouble: async (error, until) => {
        const told = this.#told(error);
        interruption.begin('fetching', told.message);
        await trouble.failed(told, until);
      },
      onGap: warnOfGap(this.#log, handler.unreadable?.bind(handler)),
      onVoid,
    };
    await fetchAll(options, signal);
  }

  #noteLostEnd(sameBefore: PartitionOffset): void {
    this.#sameBefore.set(placeKey(sameBefore), sameBefore.offset);
    warnOfLostEnd(this.#log, sameBefore);
  }

  #told(error: unknown): WindrowError {
    const { group, topics } = this.#options;
    return kafkaError(error, {
      what: `group ${group} cannot read`,
      right: `Read on group ${group} and Read and Describe on the topics ${topics.join(', ')}`,
    });
  }
}

interface Watched extends Pick<Working, 'membership' | 'interruption'> {
  readonly share: Share;
  /** Ends the work on it; what we have of it is kept into the next. */
  readonly end: () => void;
  /** Ends it because it may be another's by now. */
  readonly lost: () => void;
}

interface Fetching extends Pick<Working, 'handler' | 'trouble' | 'interruption'> {
  readonly client: KafkaClient;
  readonly onVoid: FetchingOptions['onVoid'];
}

async function handled(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (cause) {
    throw new HandlerFailure('', { cause });
  }
}

/** `unheard`: nobody can tell now, and why. @throws WindrowError when another member has our name */
async function heartbeat(
  membership: Membership,
  signal: AbortSignal,
): Promise<'ours' | 'rebalance' | 'lost' | { readonly unheard: unknown }> {
  const asking = withinMs('heartbeat', heartbeatMsMax, () => membership.heartbeat());
  try {
    return await unlessAborted(asking, signal, 'heartbeat');
  } catch (error) {
    if (error instanceof WindrowError && error.code === 'config') throw error;
    return { unheard: error };
  }
}

async function areOthers(membership: Membership, topics: Topics): Promise<boolean> {
  const asking = withinMs('topics', heartbeatMsMax, () => membership.topics());
  const now = await asking.catch(() => topics);
  const isSame = (topic: string): boolean => {
    const [before, after] = [topics.get(topic), now.get(topic)];
    return before?.id === after?.id && before?.partitions === after?.partitions;
  };
  return ![...topics.keys(), ...now.keys()].every(isSame);
}
