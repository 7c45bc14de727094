/**
 * Closes by the clock what no arrival closes: servers that fell silent, topics of a server that
 * did, replays whose sender never came back, and identity conflicts. Also says how far each source
 * has come.
 */
import type { Clock } from '../../runtime/clock.ts';
import type { EngineOptions, WindowEngine } from '../windows/engine.ts';
import type { Checkpoints } from './checkpoints.ts';
import type { Progress } from './fleet-frontier.ts';
import type { IngestObserver } from './intake.ts';
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

export interface ClosingOptions {
  readonly registry: Registry;
  readonly engine: WindowEngine;
  readonly checkpoints: Checkpoints;
  readonly windows: EngineOptions;
  readonly clock: Clock;
  readonly observer: IngestObserver;
}

export class Closing {
  readonly #options: ClosingOptions;

  constructor(options: ClosingOptions) {
    this.#options = options;
  }

  /** Once a second. */
  tick(): void {
    const nowMs = this.#options.clock.monotonicMs();
    for (const source of this.#options.registry.all()) {
      this.#endConflict(source, nowMs);
      if (source.idleClosed || source.closed) continue;
      if (source.replayed) this.#closeOldReplay(source, nowMs);
      else this.#closeWhenIdle(source, nowMs);
    }
  }

  /** A replayed file has been sent whole. */
  endReplay(sourceId: string): void {
    for (const source of this.#options.registry.all()) {
      if (source.replayId === sourceId) this.#finish(source);
    }
  }

  /** How far each source's events have come, for the fleet. */
  *progress(): Generator<Progress> {
    const { registry, windows, engine, clock } = this.#options;
    const holdFromMs = clock.wallMs() - holdMsMax;
    for (const source of registry.all()) {
      // All its topics must have passed; a server without samples, +∞ then, holds nobody up.
      const passedMs = engine.reachedMs(source.sourceNo);
      const holds = source.replayed || passedMs >= holdFromMs;
      yield {
        originMs: source.originMs,
        watermarkMs: passedMs - windows.latenessMs,
        active: holds && !source.closed && !source.idleClosed && !source.skewed,
      };
    }
  }

  #endConflict(source: Source, nowMs: number): void {
    if (!source.senders.tick(nowMs)) return;
    this.#options.checkpoints.source(source);
    this.#options.observer.serverChanged(source);
  }

  #closeWhenIdle(source: Source, nowMs: number): void {
    const { engine, checkpoints, clock } = this.#options;
    const intervalMs = Math.min(source.intervalMs, intervalMsMax);
    const idleMs = Math.max(idleMsMin, idleIntervals * intervalMs);
    if (nowMs - source.lastSeenMonotonicMs > idleMs) {
      source.idleClosed = true;
      checkpoints.source(source);
      engine.closeIdle(source.sourceNo);
      return;
    }
    for (const lane of source.takeSilentLanes(nowMs - idleMs)) {
      engine.forgetLane(source.sourceNo, lane);
      const { pendingFromMs } = source.announced;
      engine.advance(source.sourceNo, pendingFromMs, source.clampMs(clock.wallMs()));
      checkpoints.source(source);
    }
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
