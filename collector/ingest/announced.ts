/**
 * What a server's sender has told to wait still: the word of its newest batch.
 *
 * Invariant: `pendingFromMs` is what that batch told which was sent last of all that have come.
 *
 * Batches may come in another order than they were sent in: one that the network kept for a while
 * knows nothing of what has come to wait since, and believing it would make windows final before
 * their samples are here.
 */
import type { BatchHeader } from '../../wire/records/batch.ts';

/**
 * No batch is on its way for longer: its sender and its receiver both give up after 30 s. One that
 * was sent this much earlier comes from a clock that has been set back.
 */
export const onItsWayMsMax = 60_000;

export interface AnnouncedState {
  /** The sender's clock when it sent the newest batch; null before any. */
  readonly sentAtMs: number | null;
  readonly pendingFromMs: number | null;
  readonly senderBootId: string | null;
}

type Told = Pick<BatchHeader, 'sent_at' | 'pending_from_ms' | 'boot_id' | 'sent_by'>;

export class Announced {
  #sentAtMs = Number.NEGATIVE_INFINITY;
  #pendingFromMs: number | undefined;
  #senderBootId: string | undefined;

  /** Event time of the earliest sample that still waits; undefined when none does. */
  get pendingFromMs(): number | undefined {
    return this.#pendingFromMs;
  }

  /** Whether a batch that was sent later has come before this one. */
  isLatecomer(header: Pick<BatchHeader, 'sent_at'>): boolean {
    const earlierMs = this.#sentAtMs - header.sent_at;
    return earlierMs > 0 && earlierMs <= onItsWayMsMax;
  }

  /** The boot whose process sent the newest batch. */
  get senderBootId(): string | undefined {
    return this.#senderBootId;
  }

  hear(header: Told): void {
    if (this.isLatecomer(header)) return;
    this.#senderBootId = header.sent_by ?? header.boot_id;
    this.#sentAtMs = header.sent_at;
    this.#pendingFromMs = header.pending_from_ms;
  }

  checkpoint(): AnnouncedState {
    const sentAtMs = Number.isFinite(this.#sentAtMs) ? this.#sentAtMs : null;
    const pendingFromMs = this.#pendingFromMs ?? null;
    return { sentAtMs, pendingFromMs, senderBootId: this.#senderBootId ?? null };
  }

  restore({ sentAtMs, pendingFromMs, senderBootId }: AnnouncedState): void {
    this.#sentAtMs = sentAtMs ?? Number.NEGATIVE_INFINITY;
    this.#pendingFromMs = pendingFromMs ?? undefined;
    this.#senderBootId = senderBootId ?? undefined;
  }
}
