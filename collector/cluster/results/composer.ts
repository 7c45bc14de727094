/**
 * Makes the records that this collector publishes.
 *
 * Invariant: `closed_through_ms` of a record covers no window that holds samples and is not in that
 * record or an earlier one, and while a source is ours it never goes back. So whoever takes a server over
 * after any of them, because this collector ended there, makes each window that is missing.
 */
import type { Clock } from '../../../runtime/clock.ts';
import {
  keyOfResult,
  resultKeyText,
  WINDOW_RESULTS_TOPIC,
  type WindowResult,
} from '../../../wire/records/window-result.ts';
import type { NewLogRecord } from '../../../wire/transport/log/port.ts';
import { type Condition, conditionOf } from '../../api/figures.ts';
import type { Source } from '../../ingest/source.ts';
import type { Closed } from '../../windows/source.ts';
import type { PublishedWindow } from './port.ts';
import { resultOf, type Self, standingOf } from './result.ts';

/** What was last published of a source since it is ours. */
interface Told extends Closed {
  readonly condition: Condition;
}

export interface ComposerOptions {
  readonly self: Self;
  readonly clock: Clock;
  /** The newest record of a source that is in the topic. */
  readonly newest: (source: Source) => WindowResult | undefined;
  /** Sees each record's value, and what it is the JSON of. */
  readonly onMade: (text: string, result: WindowResult) => void;
}

export class Composer {
  readonly #options: ComposerOptions;
  readonly #told = new WeakMap<Source, Told>();

  constructor(options: ComposerOptions) {
    this.#options = options;
  }

  window(published: PublishedWindow): NewLogRecord {
    const { source, closed } = published;
    return this.#record(source, closed, (standing) => resultOf(source, published, standing));
  }

  /**
   * Of each of our sources that is in another state than was published: its newest window, with that.
   * @param mayBeSilent who was not heard is silent; else nobody could be heard
   */
  *changes(sources: Iterable<Source>, mayBeSilent: boolean): Generator<NewLogRecord> {
    const nowMs = this.#options.clock.wallMs();
    for (const source of sources) {
      const told = this.#told.get(source);
      if (!source.isOurs || told === undefined) continue;
      const condition = conditionOf(source, nowMs);
      if (condition === told.condition || (condition === 'silent' && !mayBeSilent)) continue;
      const record = this.standing(source);
      // Undefined: not read back yet; later.
      if (record !== undefined) yield record;
    }
  }

  /** It is another's now: what was told of it may not be in the topic. */
  forget(source: Source): void {
    this.#told.delete(source);
  }

  /** The newest window of a source with what the source is now; undefined while there is none. */
  standing(source: Source): NewLogRecord | undefined {
    const newest = this.#options.newest(source);
    if (newest === undefined) return undefined;
    const closed = {
      closedThroughMs: newest.closed_through_ms,
      firstPaneMs: newest.first_pane_ms,
    };
    return this.#record(source, closed, (standing) => ({
      ...newest,
      ...standing,
      slot: standing.slot ?? newest.slot,
    }));
  }

  #record(
    source: Source,
    { closedThroughMs, firstPaneMs }: Closed,
    resultWith: (standing: ReturnType<typeof standingOf>) => WindowResult,
  ): NewLogRecord {
    const { self, clock, onMade } = this.#options;
    const nowMs = clock.wallMs();
    const before = this.#told.get(source);
    const closed = {
      closedThroughMs: newer(before?.closedThroughMs ?? null, closedThroughMs),
      firstPaneMs,
    };
    this.#told.set(source, { ...closed, condition: conditionOf(source, nowMs) });
    const result = resultWith(standingOf(source, closed, { self, nowMs }));
    const value = JSON.stringify(result);
    onMade(value, result);
    const key = resultKeyText(keyOfResult(result));
    return { topic: WINDOW_RESULTS_TOPIC, key, value, timeMs: nowMs };
  }
}

export function newer(one: number | null, other: number | null): number | null {
  if (one === null || other === null) return one ?? other;
  return Math.max(one, other);
}
