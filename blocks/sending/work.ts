/**
 * What a sender tells of its threads' work, so that its receiver can show the speed and CPU of each
 * stage: always what was added, so that a receiver adds up and need remember nothing of any sender.
 */
import { workBytesMax, workMsMax } from '../../wire/limits.ts';
import type { SenderWork } from '../../wire/records/block-chunk.ts';
import type { StageTime } from '../../runtime/stage-times.ts';
import type { Done } from './stages.ts';

export class Work {
  readonly #doneNow: () => Done;
  #told: Done;

  constructor(doneNow: () => Done) {
    this.#doneNow = doneNow;
    this.#told = doneNow();
  }

  /** Since this was asked before: each part is told once. */
  take(): SenderWork {
    const now = this.#doneNow();
    const { readBytes, stages } = this.#told;
    this.#told = now;
    return {
      read_bytes: Math.max(0, Math.min(now.readBytes - readBytes, workBytesMax)),
      read: between(stages.read, now.stages.read),
      hash: between(stages.hash, now.stages.hash),
      compress: between(stages.compress, now.stages.compress),
    };
  }
}

function between(one: StageTime, other: StageTime): { ms: number; cpu_ms: number } {
  return { ms: toldMs(other.ms - one.ms), cpu_ms: toldMs(other.cpuMs - one.cpuMs) };
}

/** To a microsecond; nothing where a clock of the system went back: a receiver refuses less. */
function toldMs(ms: number): number {
  return Math.max(0, Math.min(Math.round(ms * 1_000) / 1_000, workMsMax));
}
