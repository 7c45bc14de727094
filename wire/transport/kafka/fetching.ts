/**
 * Reads partitions from their leaders: a loop for each leader, and one consumer behind them all that
 * is given one piece at a time. While it works on that, each loop has at most one answer in hand.
 *
 * Invariant: each partition is in the loop of one leader, or it is astray: then its leader is looked
 * for again and again, and the others go on.
 */
import type { Metadata } from './client.ts';
import { hasReason } from './errors.ts';
import { LeaderLoop, type LeaderReading, Turns } from './leader-loop.ts';
import { namesOf, topicsNamed } from './names.ts';
import { noLeader, type Place, placeKey } from './offsets.ts';
import { amiss } from './words.ts';

export interface FetchingOptions extends LeaderReading {
  /** All partitions are read: each has been answered since it was astray. */
  readonly onAnswer: () => void;
  /** Some cannot be read; resolves when it is time to look for their leaders again. */
  readonly onTrouble: (error: unknown, signal: AbortSignal) => Promise<void>;
}

/** Reads until the signal aborts. @throws what `take` throws */
export async function fetchAll(options: FetchingOptions, signal: AbortSignal): Promise<void> {
  const failing = new AbortController();
  const fetching = new Fetching(options, AbortSignal.any([signal, failing.signal]));
  await fetching.run(failing);
}

class Fetching {
  readonly #options: FetchingOptions;
  readonly #signal: AbortSignal;
  readonly #taking = new Turns();
  /** By node. */
  readonly #loops = new Map<number, LeaderLoop>();
  readonly #running = new Set<Promise<void>>();
  /** By `placeKey`; why nothing of it can be read, undefined when its leader was not looked for yet. */
  readonly #astray = new Map<string, unknown>();
  /** Not answered since they were astray. */
  readonly #unheard = new Set<string>();
  #onAstray = (): void => {};
  #failure: { readonly cause: unknown } | undefined;

  constructor(options: FetchingOptions, signal: AbortSignal) {
    this.#options = options;
    this.#signal = signal;
    for (const key of options.positions.keys()) this.#lose(key, undefined);
  }

  async run(failing: AbortController): Promise<void> {
    const signal = this.#signal;
    signal.addEventListener('abort', () => this.#onAstray(), { once: true });
    while (!signal.aborted) {
      const trouble = troubleOf(this.#astray);
      if (trouble !== undefined) await this.#options.onTrouble(trouble, signal);
      if (!signal.aborted) await this.#findLeaders(failing);
      while (!signal.aborted && this.#astray.size === 0) {
        await new Promise<void>((resolve) => (this.#onAstray = resolve));
      }
    }
    // None is left at work behind the back of whoever goes on after an error.
    await Promise.all(this.#running);
    if (this.#failure !== undefined) throw this.#failure.cause;
  }

  async #findLeaders(failing: AbortController): Promise<void> {
    const { client, topicIds, onVoid } = this.#options;
    const known = await client.metadata([...topicIds.keys()]).catch((error: unknown) => {
      for (const key of this.#astray.keys()) this.#astray.set(key, error);
    });
    if (known === undefined || this.#signal.aborted) return;
    if ([...topicIds].some(([topic, id]) => known.topics.get(topic)?.id !== id)) onVoid();
    const leaderless: string[] = [];
    for (const key of this.#astray.keys()) {
      const from = this.#options.positions.get(key);
      const leader = from === undefined ? noLeader : leaderOf(known, from);
      if (from === undefined || leader === noLeader) leaderless.push(key);
      else {
        this.#astray.delete(key);
        this.#loopOf(leader, failing, (loop) => loop.add(from));
      }
    }
    if (leaderless.length === 0) return;
    const error = amiss.noLeader(namesOf(leaderless.toSorted()));
    for (const key of leaderless) this.#astray.set(key, error);
  }

  #loopOf(node: number, failing: AbortController, add: (loop: LeaderLoop) => void): void {
    const known = this.#loops.get(node);
    if (known !== undefined) return add(known);
    const loop = new LeaderLoop({
      ...this.#options,
      node,
      taking: this.#taking,
      onHeard: (keys) => this.#heard(keys),
      onLost: (place, error) => this.#lose(placeKey(place), error),
      onEnd: () => this.#loops.delete(node),
    });
    add(loop);
    this.#loops.set(node, loop);
    // Others that are led there are added before it asks for the first time.
    const running = Promise.resolve()
      .then(() => loop.run(this.#signal))
      .catch((cause: unknown) => {
        this.#failure ??= { cause };
        failing.abort();
      })
      .finally(() => this.#running.delete(running));
    this.#running.add(running);
  }

  #heard(keys: Iterable<string>): void {
    for (const key of keys) this.#unheard.delete(key);
    if (this.#unheard.size === 0) this.#options.onAnswer();
  }

  #lose(key: string, error: unknown): void {
    this.#astray.set(key, error);
    this.#unheard.add(key);
    this.#onAstray();
  }
}

function leaderOf({ topics }: Metadata, { topic, partition }: Place): number {
  return topics.get(topic)?.partitions[partition]?.leader ?? noLeader;
}

/** Why nothing of them is read, as far as it is known: where a right is missing, on which topics. */
function troubleOf(astray: ReadonlyMap<string, unknown>): unknown {
  const isRefused = (error: unknown): boolean => hasReason(error, 'TOPIC_AUTHORIZATION_FAILED');
  const refused = [...astray].filter(([, error]) => isRefused(error)).map(([key]) => key);
  if (refused.length === 0) return [...astray.values()].find((error) => error !== undefined);
  const topics = new Set(refused.map((key) => key.slice(0, key.lastIndexOf('/'))));
  return amiss.notReadable(topicsNamed([...topics].toSorted()));
}
