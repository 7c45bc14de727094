/**
 * Ships what waits in the outbox, live first. Two loops, each with one batch on its way at a time:
 *
 * - live: the newest samples, at once; full-jitter backoff while the collector does not take them.
 * - backlog: what waits longer, oldest first, paced, and only while live samples get through.
 *
 * So after an outage the first request carries the newest seconds, and the gap behind them fills
 * without ever delaying what was just measured.
 */
import type { Clock } from '../../runtime/clock.ts';
import { messageOf, WindrowError } from '../../runtime/errors.ts';
import { pause } from '../../runtime/lifecycle.ts';
import type { Logger } from '../../runtime/logging.ts';
import type { BatchHeader } from '../../wire/records/batch.ts';
import type { BatchSender } from '../../wire/transport/port.ts';
import { WIRE_VERSION } from '../../wire/version.ts';
import type { Lease, Outbox } from '../outbox/port.ts';
import { Doorbell } from './doorbell.ts';
import { pauseAfterMs } from './pace.ts';
import { Retry } from './retry.ts';

export interface ShipperOptions {
  readonly outbox: Outbox;
  readonly sender: BatchSender;
  readonly identity: { readonly serverId: string; readonly bootId: string };
  /** Who is at the other end, for people: `the collector`. */
  readonly receiver: string;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
}

export class Shipper {
  readonly #options: ShipperOptions;
  readonly #liveBell = new Doorbell();
  readonly #backlogBell = new Doorbell();
  readonly #live: Retry;
  readonly #backlog: Retry;

  constructor(options: ShipperOptions) {
    const { clock, random, log, outbox, receiver } = options;
    const common = {
      clock,
      random,
      log,
      facts: () => ({ waiting: outbox.size, dropped: outbox.dropped }),
    };
    this.#options = options;
    this.#live = new Retry({ ...common, what: 'samples', backMessage: `${receiver} is back` });
    this.#backlog = new Retry({
      ...common,
      what: 'older samples',
      backMessage: 'older samples are taken again',
    });
  }

  /** Something was added to the outbox. */
  notify(): void {
    this.#liveBell.ring();
  }

  /** Ships until the signal aborts; never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    await Promise.all([this.#runLive(signal), this.#runBacklog(signal)]);
  }

  /** One try for all that waits, newest first, until the signal aborts. @throws WindrowError at the first failure */
  async flush(signal: AbortSignal): Promise<void> {
    const { outbox } = this.#options;
    await this.#shipAll(() => outbox.takeLive() ?? outbox.takeBacklog(), signal);
  }

  /** The same for the newest alone. */
  async flushLive(signal: AbortSignal): Promise<void> {
    await this.#shipAll(() => this.#options.outbox.takeLive(), signal);
  }

  async #runLive(signal: AbortSignal): Promise<void> {
    const { outbox } = this.#options;
    while (!signal.aborted) {
      const lease = outbox.takeLive();
      if (lease === undefined) {
        await this.#liveBell.wait(signal);
        continue;
      }
      await this.#shipOrWait(lease, this.#live, signal);
      if (!this.#live.isFailing && outbox.size > 0) this.#backlogBell.ring();
    }
  }

  async #runBacklog(signal: AbortSignal): Promise<void> {
    const { outbox, clock } = this.#options;
    while (!signal.aborted) {
      const lease = this.#live.isFailing ? undefined : outbox.takeBacklog();
      if (lease === undefined) {
        await this.#backlogBell.wait(signal);
        continue;
      }
      const startMs = clock.monotonicMs();
      await this.#shipOrWait(lease, this.#backlog, signal);
      if (this.#backlog.isFailing) continue;
      await pause(pauseAfterMs(lease.records.length, clock.monotonicMs() - startMs), signal);
    }
  }

  async #shipOrWait(lease: Lease, retry: Retry, signal: AbortSignal): Promise<void> {
    try {
      await this.#ship(lease, signal);
      retry.worked();
    } catch (error) {
      if (!signal.aborted) await pause(retry.failed(error), signal);
    }
  }

  async #shipAll(take: () => Lease | undefined, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const lease = take();
      if (lease === undefined) return;
      try {
        await this.#ship(lease, signal);
      } catch (error) {
        if (!signal.aborted) throw error;
      }
    }
  }

  async #ship(lease: Lease, signal: AbortSignal): Promise<void> {
    const { outbox, sender, log } = this.#options;
    const { records } = lease;
    try {
      const ack = await sender.send({ header: this.#header(lease), records }, signal);
      const refused = ack.refused?.flatMap((place) => records[place] ?? []) ?? [];
      if (refused.length === 0) outbox.acknowledge(lease);
      else {
        outbox.discard(lease, refused);
        log.error({ records: refused.length }, 'records are too large and are dropped');
      }
      if (ack.quarantined > 0) {
        log.warn({ records: ack.quarantined }, 'the collector put malformed records aside');
      }
    } catch (error) {
      if (!isRefusedForGood(error)) {
        outbox.giveBack(lease);
        throw error;
      }
      // Sent again it would be refused again, and everything behind it would wait for ever.
      outbox.discard(lease);
      log.error(
        { records: records.length, error: messageOf(error) },
        'a batch was refused and is dropped',
      );
    }
  }

  #header(lease: Lease): BatchHeader {
    const { outbox, identity, clock } = this.#options;
    const facts = outbox.factsOf(lease);
    const { pendingFromMs, oldestOutstandingSeq, dropped, waiting } = facts;
    return {
      v: WIRE_VERSION,
      server_id: identity.serverId,
      boot_id: lease.bootId,
      sent_at: clock.wallMs(),
      ...(lease.bootId === identity.bootId ? {} : { sent_by: identity.bootId }),
      ...(pendingFromMs === undefined ? {} : { pending_from_ms: pendingFromMs }),
      ...(oldestOutstandingSeq === undefined
        ? {}
        : { oldest_outstanding_seq: oldestOutstandingSeq }),
      ...(dropped === 0 ? {} : { dropped }),
      ...(waiting === 0 ? {} : { waiting }),
    };
  }
}

function isRefusedForGood(error: unknown): boolean {
  return error instanceof WindrowError && !error.retryable && error.code !== 'aborted';
}
