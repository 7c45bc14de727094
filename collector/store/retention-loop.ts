/** Runs retention now and then, a bounded step at a time. */
import type { DatabaseSync } from 'node:sqlite';
import type { Clock } from '../../runtime/clock.ts';
import { messageOf } from '../../runtime/errors.ts';
import type { Logger } from '../../runtime/logging.ts';
import { type RetentionPolicy, retentionStep } from './retention.ts';

const everyMs = 60_000;
/** While more is left to delete; in between the writer has its turn. */
const soonMs = 250;

export interface RetentionLoopOptions {
  readonly log: Logger;
  readonly clock: Clock;
  /** Forgets sources of which nothing is left; true when more of them wait. */
  readonly forgetStep: () => boolean;
}

export class RetentionLoop {
  #timer: NodeJS.Timeout | undefined;
  #failed = false;

  constructor(
    db: DatabaseSync,
    policy: RetentionPolicy,
    { log, clock, forgetStep }: RetentionLoopOptions,
  ) {
    const step = (): void => {
      let more = false;
      try {
        more = retentionStep(db, policy, clock.wallMs());
        if (forgetStep()) more = true;
        this.#failed = false;
      } catch (error) {
        // A locked file or a full disk passes; it is told once.
        if (!this.#failed)
          log.warn({ error: messageOf(error) }, 'retention failed; it is tried again');
        this.#failed = true;
      }
      this.#timer = setTimeout(step, more ? soonMs : everyMs);
    };
    this.#timer = setTimeout(step, everyMs);
  }

  stop(): void {
    clearTimeout(this.#timer);
  }
}
