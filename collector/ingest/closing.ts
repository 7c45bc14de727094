/**
 * Closes by the clock what no arrival closes: servers that fell silent, topics of a server that
 * did, replays whose sender never came back, and identity conflicts. Also says how far each source
 * has come.
 */
import type { Clock } from '../../runtime/clock.ts';
import type { EngineOptions, WindowEngine } from '../windows/engine.ts';
import type { Checkpoints } from './checkpoints.ts';
import type { Progress } from './fleet-frontier.ts';
import type { LogSide } from './from-log.ts';
import type { IngestObserver } from './intaking.ts';
import type { Registry } from './registry.ts';
import type { Source } from './source.ts';

/** A server, or a topic of it, is idle after this without arrival, or five of its intervals. */
const idleMsMin = 30_000;
const idleIntervals = 5;
/** A replay whose sender has not come back for so long has ended. */
const replayQuietMsMax = 24 * 60 * 60 * 1000;
/** The longest interval at which an agent samples; a longer gap is an outage. */
const intervalMsMax = 60_000;
/**
 * A live server whose events lie further back than this (a backlog, a clock far off, an old
 * producer's own time) holds up no fleet window: when its part comes, the window is made anew.
 */
const holdMsMax = 2 * 60_000;
/**
 * Another collector's server holds up no fleet window when it told nothing of it for so long, and we
 * would have heard it: a window comes each slide.
 */
const othersIdleMs = 60_000;

export interface ClosingOptions {
  readonly registry: Registry;
  readonly engine: WindowEngine;
  readonly checkpoints: Checkpoints;
  readonly windows: EngineOptions;
  readonly clock: Clock;
  readonly observer: IngestObserver;
  /** Absent on the direct transport. */
  readonly fromLog?: LogSide;
}

export class Closing {
  readonly #options: ClosingOptions;

  constructor(options: ClosingOptions) {
    this.#options = options;
  }

  /** Once a second. */
  tick(): void {
    const { registry, clock, fromLog } = this.#options;
    const tickMs = clock.monotonicMs();
    // Who seems silent may only wait in the log, behind others.
    const mayBeSilent = fromLog?.isCaughtUp() ?? true;
    for (const source of registry.all()) {
      this.#endConflict(source, tickMs);
      if (source.closed || !source.isOurs || !mayBeSilent) continue;
      const nowMs = this.#heardThroughMs(source, tickMs);
      if (source.idleClosed) this.#letGo(source, nowMs);
      else if (source.replayed) this.#closeOldReplay(source, nowMs);
      else this.#closeWhenIdle(source, nowMs);
    }
  }

  /** A replayed file has been sent whole; `slot`: what came of it in this slot of a log. */
  endReplay(sourceId: string, slot: number | undefined): void {
    for (const source of this.#options.registry.all()) {
      if (source.replayId !== sourceId || !source.isOurs) continue;
      if (slot === undefined || source.slots.has(slot)) this.#finish(source);
    }
  }

  /** Windows that end here or before are final, but for what its sender told to wait still. */
  closeThrough(source: Source, throughMs: number): void {
    const { engine, windows, checkpoints } = this.#options;
    const { sourceNo, announced, newestMs } = source;
    const { pendingFromMs = Infinity } = announced;
    // From its newest sample on only the rest of its batch could wait, and that has been read.
    const waitingFromMs = pendingFromMs < newestMs ? pendingFromMs : Infinity;
    engine.closePassed(sourceNo, throughMs + windows.latenessMs, waitingFromMs);
    checkpoints.source(source);
  }

  /** How far each source's events have come, for the fleet. */
  *progress(): Generator<Progress> {
    for (const source of this.#options.registry.all()) {
      yield source.isOurs ? this.#progressOfOurs(source) : this.#progressOfOthers(source);
    }
  }

  #progressOfOurs(source: Source): Progress {
    const { windows, engine, clock } = this.#options;
    // All its topics must have passed; a server without samples, +∞ then, holds nobody up.
    const passedMs = engine.reachedMs(source.sourceNo);
    const holds = source.replayed || passedMs >= clock.wallMs() - holdMsMax;
    return {
      originMs: source.originMs,
      watermarkMs: passedMs - windows.latenessMs,
      active: holds && !source.closed && !source.idleClosed && !source.skewed,
    };
  }

  /** Of another collector's source its windows tell, and how lately it was heard there. */
  #progressOfOthers(source: Source): Progress {
    const throughMs = this.#othersHeardThroughMs();
    const { originMs, newestMs, toldThroughMs, replayed, lastSeenMs, off, closed } = source;
    const holds = replayed || newestMs >= throughMs - holdMsMax;
    const isOver = off || closed || source.decommissioned || source.skewed;
    const isHeard = throughMs - lastSeenMs <= othersIdleMs;
    return { originMs, watermarkMs: toldThroughMs, active: holds && isHeard && !isOver };
  }

  /** On the wall, as other collectors tell. */
  #othersHeardThroughMs(): number {
    const { clock, fromLog } = this.#options;
    const nowMs = clock.monotonicMs();
    const heardMs = Math.min(nowMs, fromLog?.othersHeardThroughMs() ?? nowMs);
    return clock.wallMs() - (nowMs - heardMs);
  }

  #heardThroughMs({ slots }: Source, nowMs: number): number {
    const { fromLog } = this.#options;
    if (fromLog === undefined) return nowMs;
    return Math.min(nowMs, ...[...slots].map((slot) => fromLog.heardThroughMs(slot)));
  }

  #endConflict(source: Source, nowMs: number): void {
    if (!source.senders.tick(nowMs)) return;
    this.#options.checkpoints.source(source);
    this.#options.observer.serverChanged(source);
  }

  #closeWhenIdle(source: Source, nowMs: number): void {
    const { engine, checkpoints, clock } = this.#options;
    const idleMs = idleMsOf(source);
    if (nowMs - source.lastSeenMonotonicMs > idleMs) {
      source.idleClosed = true;
      checkpoints.source(source);
      engine.closeIdle(source.sourceNo);
      return;
    }
    for (const lane of source.takeSilentLanes(idleMs, nowMs)) {
      engine.forgetLane(source.sourceNo, lane);
      const { pendingFromMs } = source.announced;
      engine.advance(source.sourceNo, pendingFromMs, source.clockAt(clock.wallMs()));
      checkpoints.source(source);
    }
  }

  /**
   * A log is kept as long as open windows need it, and read again from there. One server that is
   * switched off must not keep it for a day: once it said goodbye and would be idle, what its clock
   * has passed is final. For one that only fell silent that ends when panes would not be kept any
   * longer either.
   */
  #letGo(source: Source, nowMs: number): void {
    const { fromLog, windows, engine, checkpoints } = this.#options;
    const { sourceNo, announced, off, lastSeenMonotonicMs } = source;
    if (fromLog === undefined || fromLog.holds.panes(sourceNo) === 0) return;
    const unheardMs = nowMs - lastSeenMonotonicMs;
    const closedMs = engine.closedThroughMs(sourceNo);
    if (unheardMs > windows.paneRetentionMs) engine.finish(sourceNo, announced.pendingFromMs);
    else if (off && unheardMs > idleMsOf(source)) {
      engine.closePassed(sourceNo, this.#clockOf(source, unheardMs), announced.pendingFromMs);
    }
    if (engine.closedThroughMs(sourceNo) > closedMs) checkpoints.source(source);
  }

  /**
   * What the clock of a server shows at least that was not heard for so long. One that is ahead may
   * be put right: as always it closes nothing that ours has not passed.
   */
  #clockOf({ sourceNo }: Source, unheardMs: number): number {
    const { engine, clock } = this.#options;
    return Math.min(engine.reachedMs(sourceNo) + unheardMs, clock.wallMs());
  }

  #closeOldReplay(source: Source, nowMs: number): void {
    const quietMs = nowMs - source.lastSeenMonotonicMs;
    if (quietMs > replayQuietMsMax) this.#finish(source);
  }

  #finish(source: Source): void {
    this.#options.engine.finish(source.sourceNo);
    source.closed = true;
    this.#options.checkpoints.source(source);
  }
}

function idleMsOf({ intervalMs }: Source): number {
  return Math.max(idleMsMin, idleIntervals * Math.min(intervalMs, intervalMsMax));
}
