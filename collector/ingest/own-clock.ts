/**
 * Tells when it is this machine's clock that is wrong, and not those of its servers: then all of
 * them are off alike, and none is in the windows of the fleet.
 */
import type { Clock } from '../../runtime/clock.ts';
import type { Logger } from '../../runtime/logging.ts';
import { skewMsMax } from '../../wire/limits.ts';
import type { Source } from './source.ts';

/** The clocks of servers are compared this often. */
const everyMs = 10_000;
/** So many agree at least: one server alone may as well be the one that is wrong. */
const serversMin = 2;

/** What most servers' clocks have in common. */
export interface CommonOffset {
  /** Servers whose clocks agree with each other. */
  readonly servers: number;
  /** Servers whose clocks are known. */
  readonly of: number;
  /** By how much they are ahead of this machine's. */
  readonly offsetMs: number;
}

/** @param offsetsMs of each server that sends, its clock minus ours. @returns undefined where ours is as good as theirs */
export function commonOffset(offsetsMs: readonly number[]): CommonOffset | undefined {
  const sorted = Float64Array.from(offsetsMs).sort();
  const of = sorted.length;
  // Where more than half of them agree the one in the middle is among them.
  const offsetMs = sorted[Math.floor(of / 2)] ?? 0;
  if (Math.abs(offsetMs) <= skewMsMax) return undefined;
  const servers = sorted.filter((ms) => Math.abs(ms - offsetMs) <= skewMsMax).length;
  return servers >= serversMin && 2 * servers > of ? { servers, of, offsetMs } : undefined;
}

/** `9 of 10 servers' clocks are about 600 s ahead of this machine's` */
export function offsetText({ servers, of, offsetMs }: CommonOffset): string {
  const seconds = Math.round(Math.abs(offsetMs) / 1_000);
  const side = offsetMs > 0 ? 'ahead of' : 'behind';
  const who = servers === of ? `all ${of}` : `${servers} of ${of}`;
  return `${who} servers' clocks are about ${seconds} s ${side} this machine's`;
}

export class OwnClock {
  readonly #clock: Clock;
  readonly #log: Logger;
  #nextMs = Number.NEGATIVE_INFINITY;
  #offset: CommonOffset | undefined;

  constructor(clock: Clock, log: Logger) {
    this.#clock = clock;
    this.#log = log;
  }

  /** What most servers' clocks are ahead by; 0 while this machine's is as good as theirs. */
  get offsetMs(): number {
    return this.#offset?.offsetMs ?? 0;
  }

  /** Once a second. */
  tick(sources: Iterable<Source>): void {
    const nowMs = this.#clock.monotonicMs();
    if (nowMs < this.#nextMs) return;
    this.#nextMs = nowMs + everyMs;
    const was = this.#offset;
    this.#offset = commonOffset([...knownOffsets(sources)]);
    if (this.#offset !== undefined && was === undefined) {
      this.#log.warn(`${offsetText(this.#offset)}: check this machine's clock`);
    } else if (this.#offset === undefined && was !== undefined) {
      this.#log.info("most servers' clocks agree with this machine's again");
    }
  }
}

/** Of those that send now. */
function* knownOffsets(sources: Iterable<Source>): Generator<number> {
  for (const { replayed, idleClosed, clockOffsetMs } of sources) {
    if (!replayed && !idleClosed && clockOffsetMs !== null) yield clockOffsetMs;
  }
}
