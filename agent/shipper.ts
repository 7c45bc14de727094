/**
 * Ships what waits in the outbox: one batch on its way at a time, the next one at once while more
 * waits, full-jitter backoff while the collector does not take it.
 */
import { type BackoffLimits, fullJitterMs } from '../runtime/backoff.ts';
import type { Clock } from '../runtime/clock.ts';
import { messageOf, WindrowError } from '../runtime/errors.ts';
import { pause } from '../runtime/lifecycle.ts';
import type { Logger } from '../runtime/logging.ts';
import type { BatchHeader } from '../wire/records/batch.ts';
import type { BatchSender } from '../wire/transport/port.ts';
import { WIRE_VERSION } from '../wire/version.ts';
import type { Outbox, Waiting } from './outbox/port.ts';

/** Samples of one batch: some 200 kB, far below what a collector takes. */
const batchRecordsMax = 120;
const backoff: BackoffLimits = { baseMs: 500, capMs: 30_000 };
/** While the collector stays away, it is told again this often. */
const logEveryMs = 5 * 60_000;

export interface ShipperOptions {
  readonly outbox: Outbox;
  readonly sender: BatchSender;
  readonly identity: { readonly serverId: string; readonly bootId: string };
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
}

export class Shipper {
  readonly #options: ShipperOptions;
  #wake: (() => void) | undefined;
  #failures = 0;
  #awayLoggedMs: number | undefined;

  constructor(options: ShipperOptions) {
    this.#options = options;
  }

  /** Something was added to the outbox. */
  notify(): void {
    this.#wake?.();
  }

  /** Ships until the signal aborts; never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      if (this.#options.outbox.size === 0) await this.#nextAddition(signal);
      else await this.#shipOrWait(signal);
    }
  }

  /** One try for what still waits, at the end of the program. */
  async flush(signal: AbortSignal): Promise<void> {
    while (this.#options.outbox.size > 0 && !signal.aborted) await this.#ship(signal);
  }

  async #shipOrWait(signal: AbortSignal): Promise<void> {
    try {
      await this.#ship(signal);
      if (this.#awayLoggedMs !== undefined) {
        const { log, outbox } = this.#options;
        log.info({ dropped: outbox.dropped }, 'the collector is back');
      }
      this.#failures = 0;
      this.#awayLoggedMs = undefined;
    } catch (error) {
      if (signal.aborted) return;
      await this.#waitAfter(error, signal);
    }
  }

  async #ship(signal: AbortSignal): Promise<void> {
    const { outbox, sender, log } = this.#options;
    const given = outbox.oldest(batchRecordsMax);
    try {
      const records = given.map(({ record }) => record);
      const ack = await sender.send({ header: this.#header(given), records }, signal);
      if (ack.quarantined > 0) {
        log.warn({ records: ack.quarantined }, 'the collector put malformed records aside');
      }
    } catch (error) {
      // Sent again it would be refused again, and everything behind it would wait for ever.
      if (!isRefusedForGood(error)) throw error;
      log.error(
        { records: given.length, error: messageOf(error) },
        'a batch was refused and is dropped',
      );
    }
    outbox.acknowledge(given);
  }

  #header(given: readonly Waiting[]): BatchHeader {
    const { outbox, identity, clock } = this.#options;
    const pendingFromMs = outbox.earliestBehindMs(given.length);
    const oldestSeq = given.find(({ seq }) => seq !== undefined)?.seq;
    return {
      v: WIRE_VERSION,
      server_id: identity.serverId,
      boot_id: identity.bootId,
      sent_at: clock.wallMs(),
      ...(pendingFromMs === undefined ? {} : { pending_from_ms: pendingFromMs }),
      ...(oldestSeq === undefined ? {} : { oldest_outstanding_seq: oldestSeq }),
      ...(outbox.dropped === 0 ? {} : { dropped: outbox.dropped }),
    };
  }

  async #waitAfter(error: unknown, signal: AbortSignal): Promise<void> {
    const { random } = this.#options;
    const asked = error instanceof WindrowError ? (error.retryAfterMs ?? 0) : 0;
    this.#tellAway(error);
    const waitMs = asked + fullJitterMs(this.#failures, backoff, random);
    this.#failures += 1;
    await pause(waitMs, signal);
  }

  #tellAway(error: unknown): void {
    const { clock, log, outbox } = this.#options;
    const nowMs = clock.monotonicMs();
    if (this.#awayLoggedMs !== undefined && nowMs - this.#awayLoggedMs < logEveryMs) return;
    this.#awayLoggedMs = nowMs;
    const hint = error instanceof WindrowError ? error.hint : undefined;
    log.warn(
      { waiting: outbox.size, dropped: outbox.dropped, ...(hint === undefined ? {} : { hint }) },
      `${messageOf(error)}; samples wait`,
    );
  }

  #nextAddition(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        signal.removeEventListener('abort', done);
        this.#wake = undefined;
        resolve();
      };
      this.#wake = done;
      signal.addEventListener('abort', done, { once: true });
    });
  }
}

function isRefusedForGood(error: unknown): boolean {
  return error instanceof WindrowError && !error.retryable && error.code !== 'aborted';
}
