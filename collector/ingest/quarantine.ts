/** What has no valid form is kept for a look, and told in the log now and then. */
import type { Clock } from '../../runtime/clock.ts';
import type { Logger } from '../../runtime/logging.ts';
import type { QuarantineRow } from '../store/group.ts';

/** Characters of a malformed record that are kept. */
const bodyCharsMax = 1_000;
/** At most one log line in this time; it says how many came since the last one. */
const logEveryMs = 10_000;

/** A record without valid form. */
export interface Rejected {
  readonly reason: string;
  readonly topic: string | undefined;
  readonly body: string;
}

export class Quarantine {
  readonly #log: Logger;
  readonly #clock: Clock;
  #lastLogMs = Number.NEGATIVE_INFINITY;
  #sinceLog = 0;

  constructor(log: Logger, clock: Clock) {
    this.#log = log;
    this.#clock = clock;
  }

  /** The row to keep of it. */
  row(rejected: Rejected & { readonly atMs: number; readonly remote: string }): QuarantineRow {
    this.#tell(rejected.reason, rejected.remote);
    return {
      atMs: rejected.atMs,
      remote: rejected.remote,
      topic: rejected.topic?.slice(0, 200) ?? null,
      reason: rejected.reason.slice(0, 300),
      body: rejected.body.slice(0, bodyCharsMax),
    };
  }

  #tell(reason: string, remote: string): void {
    this.#sinceLog += 1;
    const nowMs = this.#clock.monotonicMs();
    if (nowMs - this.#lastLogMs < logEveryMs) return;
    this.#log.warn({ reason, remote, records: this.#sinceLog }, 'malformed record quarantined');
    this.#lastLogMs = nowMs;
    this.#sinceLog = 0;
  }
}

/** What is kept of a malformed record; nothing in it may make that fail. */
export function textOf(value: unknown): string {
  try {
    return JSON.stringify(value) ?? '';
  } catch {
    return '(too deeply nested to be shown)';
  }
}
