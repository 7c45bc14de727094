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
import { KafkaClient } from './client.ts';
import type { KafkaSettings } from './connection.ts';
import { kafkaError } from './errors.ts';
import { fetchAll, type FetchingOptions, fetchWaitMs, type Gap } from './fetching.ts';
import { Interruption } from './interruption.ts';
import { Membership, rebalanceMs, sessionMs, type Share } from './membership.ts';
import { offsetsOf, type Place, placeKey } from './offsets.ts';
import { Trouble } from './trouble.ts';
import { unlessAborted } from '../../../runtime/unless-aborted.ts';

const heartbeatMs = 2_500;
const heartbeatMsMax = 5_000;
/** How often it looks whether topics have more partitions by now. */
const partitionsEveryMs = 30_000;
const leaveMsMax = 2_000;
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
  readonly #positions = new Map<string, PartitionOffset>();
  /** As of the last share. */
  #slots: ReadonlySet<number> = new Set();
  /** Undefined: whatever it had may have been another's since. */
  #generation: number | undefined;

  constructor(settings: KafkaSettings, options: GroupOptions, log: Logger) {
    this.#settings = settings;
    this.#options = options;
    this.#log = log;
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
          await this.#workOnShare(clients, working, signal);
          interruption.begin('share', 'the group shares its slots anew');
        } catch (error) {
          if (error instanceof HandlerFailure) throw error.cause;
          const told = this.#told(error);
          if (told.code === 'config') throw told;
          if (signal.aborted) break;
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
    const generation = this.#generation;
    const owns = ({ partition }: PartitionOffset): boolean => this.#slots.has(partition);
    if (membership === undefined || generation === undefined || !offsets.every(owns)) {
      throw new WindrowError('unreachable', 'the group changes hands', { retryable: true });
    }
    try {
      await unlessAborted(membership.commit(offsets, generation), signal, 'committing');
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
    const end = (): void => ended.abort();
    const watched = { membership, share, end, interruption };
    const watching = this.#watch(watched, done.signal).finally(end);
    watching.catch(() => {});
    try {
      const starts = await this.#startsOf(fetching, { membership, share });
      await handled(() => handler.assigned(share.slots, starts));
      trouble.over();
      interruption.endAll();
      while (!both.aborted) {
        try {
          await this.#fetch(fetching, working, both);
        } catch (error) {
          if (error instanceof HandlerFailure) throw error;
          const told = this.#told(error);
          interruption.begin('fetching', told.message);
          await trouble.failed(told, both);
        }
      }
    } finally {
      done.abort();
    }
    await watching;
  }

  /** Lets the group hear of us until the signal aborts, and ends the share when it is no longer ours. */
  async #watch(
    { membership, share, end, interruption }: Watched,
    signal: AbortSignal,
  ): Promise<void> {
    let heardMs = performance.now();
    let countedMs = heardMs;
    while (!signal.aborted) {
      await pause(heartbeatMs, signal);
      if (signal.aborted) return;
      const asked = await heartbeat(membership, signal);
      const nowMs = performance.now();
      if (asked !== 'unheard') {
        heardMs = nowMs;
        interruption.end('heartbeat');
      } else if (!signal.aborted) {
        interruption.begin('heartbeat', 'the brokers do not answer');
      }
      if (asked === 'rebalance') end();
      if (asked === 'lost' || nowMs - heardMs > sessionMs) {
        this.#generation = undefined;
        return end();
      }
      if (nowMs - countedMs < partitionsEveryMs) continue;
      countedMs = nowMs;
      if (await hasMorePartitions(membership, share)) end();
    }
  }

  /** Notes what is ours from now on. @returns where partitions begin that were not before */
  async #startsOf(
    client: KafkaClient,
    { membership, share }: { membership: Membership; share: Share },
  ): Promise<SlotStart[]> {
    const before = this.#slots;
    const isNext = this.#generation !== undefined && share.generation - this.#generation <= 1;
    const kept = isNext ? before : new Set<number>();
    this.#generation = undefined;
    const places = placesOf(share);
    const isKept = (place: Place): boolean =>
      kept.has(place.partition) && this.#positions.has(placeKey(place));
    const fresh = places.filter((place) => !isKept(place));
    const starts = await this.#find(client, membership, fresh);
    for (const key of this.#positions.keys()) {
      if (!places.some((place) => placeKey(place) === key)) this.#positions.delete(key);
    }
    for (const { topic, partition, offset } of starts) {
      this.#positions.set(placeKey({ topic, partition }), { topic, partition, offset });
    }
    this.#slots = share.slots;
    this.#generation = share.generation;
    return starts;
  }

  async #find(
    client: KafkaClient,
    membership: Membership,
    places: readonly Place[],
  ): Promise<SlotStart[]> {
    if (places.length === 0) return [];
    const [committed, earliest, latest] = await Promise.all([
      membership.committed(places),
      offsetsOf(client, places, 'earliest'),
      offsetsOf(client, places, 'latest'),
    ]);
    return places.map((place) => {
      const key = placeKey(place);
      const endOffset = latest.get(key) ?? 0;
      const first = earliest.get(key) ?? 0;
      const begin = committed.get(key) ?? { offset: first };
      if (begin.offset >= first) return { ...place, ...begin, endOffset };
      warnOfGap(this.#log)({ from: { ...place, offset: begin.offset }, to: first });
      return { ...place, ...begin, offset: first, endOffset };
    });
  }

  async #fetch(
    client: KafkaClient,
    { handler, trouble, interruption }: Working,
    signal: AbortSignal,
  ): Promise<void> {
    if (this.#positions.size === 0) return pause(heartbeatMs, signal);
    const { take, reached } = handing(handler);
    const onAnswer = (): void => {
      trouble.over();
      interruption.end('fetching');
    };
    const onGap = warnOfGap(this.#log);
    const options = { client, positions: this.#positions, take, reached, onAnswer, onGap };
    await fetchAll(options, signal);
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
  readonly end: () => void;
}

function handing(handler: SlotHandler): Pick<FetchingOptions, 'take' | 'reached'> {
  return {
    take: (records, waitedMsMax) => handled(() => handler.take(records, waitedMsMax)),
    reached: (place) => handler.reached?.([place]),
  };
}

export function warnOfGap(log: Logger) {
  return ({ from, to, reason = 'records are gone at the brokers' }: Gap): void => {
    const { topic, partition, offset } = from;
    log.warn({ topic, partition, offset, to }, `${reason}; goes on behind them`);
  };
}

async function handled(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (cause) {
    throw new HandlerFailure('', { cause });
  }
}

/** `unheard`: nobody can tell now. @throws WindrowError when another member has our name */
async function heartbeat(
  membership: Membership,
  signal: AbortSignal,
): Promise<'ours' | 'rebalance' | 'lost' | 'unheard'> {
  const asking = withinMs('heartbeat', heartbeatMsMax, () => membership.heartbeat());
  try {
    return await unlessAborted(asking, signal, 'heartbeat');
  } catch (error) {
    if (error instanceof WindrowError && error.code === 'config') throw error;
    return 'unheard';
  }
}

async function hasMorePartitions(membership: Membership, share: Share): Promise<boolean> {
  const asking = withinMs('partitions', heartbeatMsMax, () => membership.partitions());
  const now = await asking.catch(() => share.partitions);
  return [...now].some(([topic, count]) => count !== share.partitions.get(topic));
}

function placesOf({ slots, partitions }: Share): Place[] {
  return [...partitions].flatMap(([topic, count]) =>
    [...slots].filter((slot) => slot < count).map((partition) => ({ topic, partition })),
  );
}
