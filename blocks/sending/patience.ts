/**
 * Sends a chunk until it is taken. Who answers "later" (busy, a full disk) is waited for without end:
 * nothing is lost, and a person sees why and may stop it. Who does not answer at all is given up
 * after a while, and so is the run: it goes on from there when it is started again.
 */
import { type BackoffLimits, fullJitterMs } from '../../runtime/backoff.ts';
import type { Clock } from '../../runtime/clock.ts';
import { type ErrorCode, WindrowError } from '../../runtime/errors.ts';
import { pause } from '../../runtime/lifecycle.ts';
import { Telling } from '../../runtime/telling.ts';
import type { BlockCarrier, OutgoingChunk, Taken } from '../../wire/transport/block-port.ts';
import type { Tell } from './events.ts';

export const backoff: BackoffLimits = { baseMs: 500, capMs: 30_000 };
/** A collector that restarts or a PC that boots is back by then. */
const silentMsMax = 5 * 60_000;

export interface PatienceOptions {
  readonly carrier: BlockCarrier;
  readonly clock: Clock;
  readonly random: () => number;
  readonly tell: Tell;
}

/** Of one chunk. */
interface Failing {
  /** Before this one. */
  readonly failures: number;
  /** Its first failure, monotonic. */
  readonly failingSinceMs: number;
}

export class PatientCarrier {
  readonly #options: PatienceOptions;
  readonly #telling: Telling;
  /** When the other side answered last. */
  #heardMs = Number.NEGATIVE_INFINITY;

  constructor(options: PatienceOptions) {
    this.#options = options;
    this.#telling = new Telling(options.clock);
  }

  /** @throws WindrowError `aborted`, or one for which waiting is of no use */
  async send(chunk: OutgoingChunk, signal: AbortSignal): Promise<Taken> {
    const { carrier, clock } = this.#options;
    let failingSinceMs: number | undefined;
    for (let failures = 0; ; failures += 1) {
      try {
        const taken = await carrier.send(chunk, signal);
        this.#worked();
        return taken;
      } catch (error) {
        failingSinceMs ??= clock.monotonicMs();
        await pause(this.#waitMsFor(error, { failures, failingSinceMs }), signal);
        if (signal.aborted) throw new WindrowError('aborted', 'the sending was stopped');
      }
    }
  }

  #worked(): void {
    this.#heardMs = this.#options.clock.monotonicMs();
    if (this.#telling.over()) this.#options.tell({ kind: 'going-on' });
  }

  /** @throws the error, when waiting is of no use */
  #waitMsFor(error: unknown, { failures, failingSinceMs }: Failing): number {
    const { clock, random, tell } = this.#options;
    if (!(error instanceof WindrowError) || !isPassing(error)) throw error;
    const nowMs = clock.monotonicMs();
    if (error.code !== 'unreachable') this.#heardMs = nowMs;
    // Nothing is heard either while there is nothing to send: only what fails counts.
    if (nowMs - Math.max(this.#heardMs, failingSinceMs) > silentMsMax) throw error;
    if (this.#telling.failed(error)) {
      tell({ kind: 'waiting', reason: error.message, hint: error.hint });
    }
    return (error.retryAfterMs ?? 0) + fullJitterMs(failures, backoff, random);
  }
}

/** A missing token or a wrong address does not mend itself. */
const passing: ReadonlySet<ErrorCode> = new Set([
  'unreachable',
  'overloaded',
  'store_unavailable',
  'no_room',
]);

function isPassing({ code, retryable }: WindrowError): boolean {
  return retryable && passing.has(code);
}
