/**
 * Judges what comes in by the rules, in the same turn in which it comes in: windows of live
 * servers, windows of the fleet, goodbyes, and by the clock who has fallen silent.
 *
 * Invariant: of each source a window is judged at most once, in increasing order of their ends, and
 * only while it tells of now: what was replayed or comes late (a backlog) changes no alert.
 */
import type { Clock } from '../../runtime/clock.ts';
import type { DecodedSample } from '../../wire/records/decoded.ts';
import type { Alerting, EndReason } from '../ingest/alerting.ts';
import type { Source } from '../ingest/source.ts';
import type { FleetWindow } from '../windows/fleet.ts';
import type { ServerWindow } from '../windows/window.ts';
import type { Alert } from './alert.ts';
import { AlertBook, type AlertRecord, type BookOptions, type TransitionCounts } from './book.ts';
import { facts, judge, usesMemoryAlone } from './judge.ts';
import { step, type Timing } from './lifecycle.ts';
import { NewestProcesses } from './processes.ts';
import { type Figures, fleetFigures, serverFigures } from './rules/expression.ts';
import type { Rule } from './rules/rule.ts';
import { durationText, reasonText } from './wording.ts';

/** A window that ends further back than its own way here can explain is of the past. */
const recentSlackMs = 30_000;
/** A fleet window may have waited this long for a server that lags. */
const fleetHoldMs = 2 * 60_000;
/** Silence is looked for in steps, so that a room cut off at once is told at once. */
const silenceStepMs = 10_000;
/** Ticks come each second; after a longer pause (a stopped process, a frozen machine) nothing could be heard in it. */
const tickGapMsMax = 10_000;
/**
 * Who was last heard longer ago than this when the program started is not expected before it is
 * heard: in the evening the collector may go first, and then no goodbye reaches it.
 */
const expectedMsMax = 60 * 60_000;

const fleet = '';

/** A window and whose it is. */
interface Judged {
  readonly server: string;
  /** Undefined for the fleet. */
  readonly sourceNo: number | undefined;
  readonly window: { readonly startMs: number; readonly endMs: number };
}

export interface AlertEngineOptions extends Pick<BookOptions, 'group' | 'onChange'> {
  readonly clock: Clock;
  readonly windowMs: number;
  readonly latenessMs: number;
  /** Whether what is sent is taken in: not while the store cannot be written. */
  readonly hears: () => boolean;
}

/** What an earlier run of the program left. */
export interface RestoredAlerts {
  readonly records: Iterable<AlertRecord>;
  /** Source number → end of its newest stored window. */
  readonly judgedThroughMs: ReadonlyMap<number, number>;
  readonly fleetJudgedThroughMs: number;
}

export class AlertEngine implements Alerting {
  readonly #options: AlertEngineOptions;
  readonly #book: AlertBook;
  readonly #processes = new NewestProcesses();
  readonly #judgedThroughMs: Map<number, number>;
  #fleetJudgedThroughMs: number;
  #rules: ReadonlyMap<string, Rule> = new Map();
  /** Monotonic; before it nobody could be heard, so that nobody was silent. */
  #hearingSinceMs = Number.POSITIVE_INFINITY;
  #started = { wallMs: 0, monotonicMs: Number.POSITIVE_INFINITY };
  #tickedMs = Number.POSITIVE_INFINITY;
  #nextSilenceMs = Number.NEGATIVE_INFINITY;

  constructor(options: AlertEngineOptions, restored: RestoredAlerts) {
    const { group, onChange, clock } = options;
    this.#options = options;
    this.#book = new AlertBook({ group, onChange, wallMs: () => clock.wallMs() });
    this.#judgedThroughMs = new Map(restored.judgedThroughMs);
    this.#fleetJudgedThroughMs = restored.fleetJudgedThroughMs;
    for (const record of restored.records) this.#book.restore(record);
  }

  /**
   * Once the group is there to write to.
   * @param sources as restored; some may have been taken out while no collector ran
   */
  start(rules: readonly Rule[], sources: Iterable<Source>): void {
    const { clock } = this.#options;
    this.#started = { wallMs: clock.wallMs(), monotonicMs: clock.monotonicMs() };
    this.#hearingSinceMs = this.#started.monotonicMs;
    this.#tickedMs = this.#hearingSinceMs;
    this.setRules(rules);
    for (const source of sources) {
      if (source.decommissioned) this.ended(source, 'decommissioned');
    }
  }

  get rules(): ReadonlyMap<string, Rule> {
    return this.#rules;
  }

  get counts(): TransitionCounts {
    return this.#book.counts;
  }

  active(): Iterable<Alert> {
    return this.#book.active();
  }

  /** Alerts of rules that are no more are over; those of a rule that changed go on under the new one. */
  setRules(rules: readonly Rule[]): void {
    this.#rules = new Map(rules.map((rule) => [rule.name, rule]));
    for (const record of this.#book.records()) {
      const rule = this.#rules.get(record.rule);
      const fits = rule !== undefined && (rule.of === 'fleet') === (record.server === fleet);
      if (!fits) this.#book.end(record, 'rule removed');
    }
  }

  /** Adds the state of all that changed to the group that is about to be committed. */
  checkpoint: AlertBook['checkpoint'] = (group) => this.#book.checkpoint(group);

  sample(source: Source, { processes }: DecodedSample): void {
    if (processes !== undefined && !source.replayed) {
      this.#processes.note(source.sourceNo, processes);
    }
  }

  window(source: Source, window: ServerWindow): void {
    if (!isWatched(source)) return;
    const { sourceNo, serverId } = source;
    const { endMs } = window;
    if (endMs <= (this.#judgedThroughMs.get(sourceNo) ?? Number.NEGATIVE_INFINITY)) return;
    if (!this.#isRecent(endMs - (source.skewed ? (source.clockOffsetMs ?? 0) : 0))) return;
    this.#judgedThroughMs.set(sourceNo, endMs);
    this.#judgeAll('server', { server: serverId, sourceNo, window }, () =>
      serverFigures(window, serverId),
    );
  }

  /** A window of all live servers, when it is committed. */
  fleetWindow(window: FleetWindow): void {
    const { endMs } = window;
    if (endMs <= this.#fleetJudgedThroughMs || !this.#isRecent(endMs, fleetHoldMs)) return;
    this.#fleetJudgedThroughMs = endMs;
    this.#judgeAll('fleet', { server: fleet, sourceNo: undefined, window }, () =>
      fleetFigures(window),
    );
  }

  /** Nothing more is expected of the server: it said goodbye, or was taken out. */
  ended({ serverId, sourceNo, replayed }: Source, reason: EndReason): void {
    if (replayed) return;
    for (const rule of this.#rules.keys()) {
      const record = this.#book.record(rule, serverId);
      if (record !== undefined) this.#book.end(record, reason);
    }
    this.#processes.forget(sourceNo);
  }

  forget({ sourceNo }: Source): void {
    this.#judgedThroughMs.delete(sourceNo);
    this.#processes.forget(sourceNo);
  }

  /** Once a second: who has fallen silent, and who is heard again. */
  tick(sources: Iterable<Source>): void {
    const { clock, hears } = this.#options;
    const nowMs = clock.monotonicMs();
    if (!hears() || nowMs - this.#tickedMs > tickGapMsMax) this.#hearingSinceMs = nowMs;
    this.#tickedMs = nowMs;
    if (nowMs < this.#nextSilenceMs) return;
    this.#nextSilenceMs = nowMs + silenceStepMs;
    const rules = [...this.#rules.values()].filter(({ silentMs }) => silentMs !== undefined);
    if (rules.length === 0) return;
    for (const source of sources) {
      if (!isWatched(source) || !this.#isExpected(source)) continue;
      for (const rule of rules) this.#judgeSilence(rule, source, nowMs);
    }
  }

  #judgeSilence(rule: Rule, source: Source, nowMs: number): void {
    const { serverId, lastSeenMonotonicMs } = source;
    const state = this.#book.state(rule.name, serverId);
    const sinceMs = Math.max(lastSeenMonotonicMs, this.#hearingSinceMs);
    const isSilent = nowMs - sinceMs >= (rule.silentMs ?? Infinity);
    // The clock of silence starts with our hearing, so until it was heard nothing is known.
    const isHeard = lastSeenMonotonicMs > this.#hearingSinceMs;
    const verdict = isSilent ? 'breach' : isHeard ? 'clear' : 'unknown';
    if (state === undefined && verdict !== 'breach') return;
    const atMs = Math.max(this.#options.clock.wallMs(), (state?.lastMs ?? 0) + 1);
    const taken = step(this.#timing(rule), state, { atMs, verdict });
    this.#book.take(rule, serverId, taken, {
      reason: ({ kind }) =>
        kind === 'firing' ? `not heard for ${durationText(rule.silentMs ?? 0)}` : 'heard again',
      window: null,
      processes: () => null,
    });
  }

  #isExpected({ lastSeenMs, lastSeenMonotonicMs }: Source): boolean {
    const { wallMs, monotonicMs } = this.#started;
    return lastSeenMonotonicMs > monotonicMs || lastSeenMs > wallMs - expectedMsMax;
  }

  #judgeAll(of: Rule['of'], judged: Judged, figuresOf: () => Figures): void {
    let figures: Figures | undefined;
    for (const rule of this.#rules.values()) {
      if (rule.of !== of || rule.condition === undefined) continue;
      figures ??= figuresOf();
      this.#judge(rule, judged, figures);
    }
  }

  #judge(rule: Rule, { server, sourceNo, window }: Judged, figures: Figures): void {
    const { condition } = rule;
    if (condition === undefined) return;
    const observation = { atMs: window.endMs, verdict: judge(condition, figures) };
    const taken = step(this.#timing(rule), this.#book.state(rule.name, server), observation);
    if (taken.changes.length === 0 && taken.state === undefined) return;
    const values = facts(condition, figures);
    const order = usesMemoryAlone(condition) ? 'memory' : 'cpu';
    this.#book.take(rule, server, taken, {
      reason: ({ heldMs }) => reasonText(values, heldMs),
      window: { startMs: window.startMs, endMs: window.endMs, values },
      processes: () => (sourceNo === undefined ? null : this.#processes.top(sourceNo, order)),
    });
  }

  #timing({ forMs, clearForMs }: Rule): Timing {
    return { forMs, clearForMs, gapMsMax: 2 * this.#options.windowMs };
  }

  /** On both sides: one window from a clock far ahead would keep all that follow from being judged. */
  #isRecent(endMs: number, holdMs = 0): boolean {
    const { clock, windowMs, latenessMs } = this.#options;
    const behindMs = clock.wallMs() - endMs;
    const behindMsMax = 2 * windowMs + latenessMs + recentSlackMs + holdMs;
    return behindMs <= behindMsMax && behindMs >= -(windowMs + recentSlackMs);
  }
}

/** Something is expected of it: what a goodbye closes tells of a machine on its way down. */
function isWatched({ replayed, off, decommissioned }: Source): boolean {
  return !replayed && !off && !decommissioned;
}
