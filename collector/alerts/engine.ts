/**
 * Judges what comes in by the rules, in the same turn in which it comes in: windows of live
 * servers, windows of the fleet, goodbyes, and by the clock who has fallen silent.
 *
 * Invariant: of each source a window is judged at most once, in increasing order of their ends on
 * the collector's clock, and only while it tells of now: what was replayed or comes late (a backlog)
 * changes no alert, nor does what holds samples of two times (collector-time.ts).
 */
import type { Clock } from '../../runtime/clock.ts';
import type { DecodedSample } from '../../wire/records/decoded.ts';
import type { Alerting, EndReason } from '../ingest/alerting.ts';
import type { Source } from '../ingest/source.ts';
import type { FleetWindow } from '../windows/fleet.ts';
import type { ServerWindow } from '../windows/window.ts';
import type { Alert } from './alert.ts';
import { AlertBook, type AlertRecord, type BookOptions, type TransitionCounts } from './book.ts';
import { CollectorTime, type TimeSpan } from './collector-time.ts';
import { facts, judge, usesMemoryAlone } from './judge.ts';
import { Hearing } from './hearing.ts';
import { step, type Timing } from './lifecycle.ts';
import { OverElsewhere } from './over-elsewhere.ts';
import { NewestProcesses } from './processes.ts';
import { type Figures, fleetFigures, serverFigures } from './rules/expression.ts';
import type { Rule } from './rules/rule.ts';
import { isFleetGone, isWatched } from './watched.ts';
import { durationText, reasonText } from './wording.ts';

/** A window that ends further back than its own way here can explain is of the past. */
const recentSlackMs = 30_000;
/** A fleet window may have waited this long for a server that lags. */
const fleetHoldMs = 2 * 60_000;
/** Silence is looked for in steps, so that a room cut off at once is told at once. */
const silenceStepMs = 10_000;
/**
 * Who was last heard longer ago than this when the program started is not expected before it is
 * heard: in the evening the collector may go first, and then no goodbye reaches it.
 */
const expectedMsMax = 60 * 60_000;
/** Who was not heard for so long has no part in what the fleet is now; nor has who is skewed, where no window of the fleet came for as long. */
const heardMsMax = 2 * 60_000;

const fleet = '';

/** A window and whose it is. */
interface Judged {
  readonly server: string;
  /** Undefined for the fleet. */
  readonly sourceNo: number | undefined;
  readonly window: { readonly startMs: number; readonly endMs: number };
  /** Its end on the collector's clock. */
  readonly atMs: number;
}

export interface AlertEngineOptions extends Pick<BookOptions, 'group' | 'onChange'> {
  readonly clock: Clock;
  readonly windowMs: number;
  readonly latenessMs: number;
  /** Whether what is sent is taken in: not while the store cannot be written. */
  readonly hears: () => boolean;
  /** All that the collector knows. */
  readonly sources: () => Iterable<Source>;
  /** Whether it is this machine's clock that is wrong, and not those of its servers. */
  readonly isOwnClockOff: () => boolean;
  /** Absent: all is ours to judge. */
  readonly share?: AlertShare;
}

/** Whose alerts are judged here, where several collectors share a fleet. */
export interface AlertShare {
  hasServer(source: Source): boolean;
  hasFleet(): boolean;
  /** What it sent until then has come here, monotonic: who seems silent after it may only wait to be read. */
  heardThroughMs(source: Source): number;
}

/** What an earlier run of the program left. */
export interface RestoredAlerts {
  readonly records: Iterable<AlertRecord>;
  /** Source number → end of its newest stored window, on the collector's clock. */
  readonly judgedThroughMs: ReadonlyMap<number, number>;
  /** Source number → time still to come that its windows are of, by its own clock. */
  readonly ahead: ReadonlyMap<number, TimeSpan>;
  readonly fleetJudgedThroughMs: number;
}

export class AlertEngine implements Alerting {
  readonly hearing: Hearing;
  readonly #options: AlertEngineOptions;
  readonly #book: AlertBook;
  readonly #processes = new NewestProcesses();
  readonly #time: CollectorTime;
  readonly #judgedThroughMs: Map<number, number>;
  #fleetJudgedThroughMs: number;
  /** When one was judged last, monotonic; at first when this began. */
  #fleetJudgedMs = Number.POSITIVE_INFINITY;
  readonly #over = new OverElsewhere((atMs) => this.#isRecent(atMs, fleetHoldMs));
  #rules: ReadonlyMap<string, Rule> = new Map();
  #started = { wallMs: 0, monotonicMs: Number.POSITIVE_INFINITY };
  #nextSilenceMs = Number.NEGATIVE_INFINITY;

  constructor(options: AlertEngineOptions, restored: RestoredAlerts) {
    const { group, onChange, clock, hears, share } = options;
    this.#options = options;
    this.hearing = new Hearing({ clock, hears, share });
    this.#time = new CollectorTime(options);
    this.#book = new AlertBook({ group, onChange, wallMs: () => clock.wallMs() });
    this.#judgedThroughMs = new Map(restored.judgedThroughMs);
    this.#fleetJudgedThroughMs = restored.fleetJudgedThroughMs;
    for (const [sourceNo, span] of restored.ahead) this.ranAhead(sourceNo, span);
    for (const record of restored.records) this.#book.restore(record);
  }

  /** Once the group is there to write to, and the sources are restored. */
  start(rules: readonly Rule[]): void {
    const { clock, sources } = this.#options;
    this.#started = { wallMs: clock.wallMs(), monotonicMs: clock.monotonicMs() };
    this.hearing.start();
    this.#fleetJudgedMs = this.#started.monotonicMs;
    this.setRules(rules);
    // Some may have been taken out while no collector ran.
    for (const source of sources()) {
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
    this.#endStrays();
  }

  #endStrays(): void {
    for (const record of this.#book.records()) {
      const rule = this.#rules.get(record.rule);
      const fits = rule !== undefined && (rule.of === 'fleet') === (record.server === fleet);
      if (!fits) this.#book.end(record, 'rule removed');
    }
  }

  /** Another collector has judged the windows of this source so far. */
  judgedThrough({ sourceNo }: Source, atMs: number): void {
    const before = this.#judgedThroughMs.get(sourceNo) ?? Number.NEGATIVE_INFINITY;
    this.#judgedThroughMs.set(sourceNo, Math.max(before, atMs));
  }

  /** Windows of this time, which is still to come, were made of a source by its own clock. */
  ranAhead(sourceNo: number, span: TimeSpan): void {
    this.#time.restore(sourceNo, span, this.#options.clock.wallMs());
  }

  /** The alerts of this subject are ours from now on; of windows up to `judgedMs` it has been told. */
  adopt(record: AlertRecord, judgedMs = Number.NEGATIVE_INFINITY): void {
    const lastMs = Math.max(record.state.lastMs, judgedMs);
    this.#book.adopt({ ...record, state: { ...record.state, lastMs } });
    this.#endStrays();
  }

  /** An alert of this rule and subject was over then: what it was judged by is not judged again. */
  over(rule: string, server: string, atMs: number): void {
    this.#over.note(rule, server, atMs);
  }

  /** These alerts are another collector's: they go on there. */
  letGo: AlertBook['letGo'] = (isGone) => this.#book.letGo(isGone);

  /** The fleet is ours to judge from now on: windows that were made here, and perhaps judged elsewhere. */
  judgeFleet(windows: Iterable<FleetWindow>): void {
    this.#fleetJudgedThroughMs = Number.NEGATIVE_INFINITY;
    for (const window of windows) this.fleetWindow(window);
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
    const atMs = this.#time.of(source, window.endMs, this.#options.clock.wallMs());
    if (!this.#isRecent(atMs)) return;
    this.#time.saw(source, window);
    if (this.#time.isGivenOutTwice(source, window)) return;
    if (atMs <= (this.#judgedThroughMs.get(sourceNo) ?? Number.NEGATIVE_INFINITY)) return;
    this.#judgedThroughMs.set(sourceNo, atMs);
    this.#judgeAll('server', { server: serverId, sourceNo, window, atMs }, () =>
      serverFigures(window, serverId),
    );
  }

  /** A window of all live servers, in the commit that makes it. */
  fleetWindow(window: FleetWindow): void {
    const { endMs: atMs } = window;
    if (this.#options.share?.hasFleet() === false) return;
    if (atMs <= this.#fleetJudgedThroughMs || !this.#isRecent(atMs, fleetHoldMs)) return;
    // What the last goodbye closes is made after it.
    if (this.#isFleetGone()) return;
    this.#fleetJudgedThroughMs = atMs;
    this.#fleetJudgedMs = this.#options.clock.monotonicMs();
    this.#judgeAll('fleet', { server: fleet, sourceNo: undefined, window, atMs }, () =>
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
    this.#endFleet();
  }

  forget({ sourceNo }: Source): void {
    this.#judgedThroughMs.delete(sourceNo);
    this.#processes.forget(sourceNo);
    this.#time.forget(sourceNo);
  }

  /** Once a second: who has fallen silent, and who is heard again. */
  tick(): void {
    const { clock, sources } = this.#options;
    this.hearing.tick();
    const nowMs = clock.monotonicMs();
    if (nowMs < this.#nextSilenceMs) return;
    this.#nextSilenceMs = nowMs + silenceStepMs;
    this.#endFleet();
    const rules = [...this.#rules.values()].filter(({ silentMs }) => silentMs !== undefined);
    if (rules.length === 0) return;
    for (const source of sources()) {
      if (!isWatched(source) || !this.#isExpected(source)) continue;
      if (this.#options.share?.hasServer(source) === false) continue;
      for (const rule of rules) this.#judgeSilence(rule, source);
    }
  }

  #judgeSilence(rule: Rule, source: Source): void {
    const { serverId } = source;
    const state = this.#book.state(rule.name, serverId);
    const isSilent = this.hearing.isSilent(source, rule.silentMs ?? Infinity);
    // The clock of silence starts with our hearing, so until it was heard nothing is known.
    const verdict = isSilent ? 'breach' : this.hearing.isHeard(source) ? 'clear' : 'unknown';
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

  #isFleetGone(): boolean {
    const { clock, sources, isOwnClockOff } = this.#options;
    const [wallMs, nowMs] = [clock.wallMs(), clock.monotonicMs()];
    const agoMs = (source: Source): number =>
      source.isOurs ? this.#agoMs(source, nowMs) : wallMs - source.lastSeenMs;
    return isFleetGone(sources(), {
      // All are skewed while it is our clock that is wrong, and that takes a while to show.
      isSkewedIn: isOwnClockOff() || nowMs - this.#fleetJudgedMs < heardMsMax,
      isHeard: (source) => this.hearing.unheardMs(source) < heardMsMax,
      agoMs,
    });
  }

  /** When it was heard last, whatever became of the clock on the wall since our start. */
  #agoMs({ lastSeenMs, lastSeenMonotonicMs }: Source, nowMs: number): number {
    const { wallMs, monotonicMs } = this.#started;
    if (lastSeenMonotonicMs > monotonicMs) return nowMs - lastSeenMonotonicMs;
    return nowMs - monotonicMs + Math.max(0, wallMs - lastSeenMs);
  }

  /** No window of the fleet would ever end its alerts when nobody is left to make one. */
  #endFleet(): void {
    const records = [...this.#rules.keys()].flatMap((rule) => this.#book.record(rule, fleet) ?? []);
    if (records.length === 0 || !this.#isFleetGone()) return;
    for (const record of records) this.#book.end(record, 'no server is left');
    // Windows of before, which a server that comes back at once would have judged, tell of the past.
    this.#fleetJudgedThroughMs = Math.max(this.#fleetJudgedThroughMs, this.#options.clock.wallMs());
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

  #judge(rule: Rule, { server, sourceNo, window, atMs }: Judged, figures: Figures): void {
    const { condition } = rule;
    if (condition === undefined || this.#over.covers(rule.name, server, atMs)) return;
    const observation = { atMs, verdict: judge(condition, figures) };
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
  #isRecent(atMs: number, holdMs = 0): boolean {
    const { clock, windowMs, latenessMs } = this.#options;
    const behindMs = clock.wallMs() - atMs;
    const behindMsMax = 2 * windowMs + latenessMs + recentSlackMs + holdMs;
    return behindMs <= behindMsMax && behindMs >= -(windowMs + recentSlackMs);
  }
}
