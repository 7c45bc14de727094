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

/** Processes of one server that are remembered as its senders. */
const sendersMax = 8;

export interface AnnouncedState {
  /** The sender's clock when it sent the newest batch; null before any. */
  readonly sentAtMs: number | null;
  readonly pendingFromMs: number | null;
  /** The one that sent the newest batch last; absent in what an older windrow wrote. */
  readonly senders?: readonly SenderState[];
}

interface SenderState {
  /** Of the process that sends. */
  readonly bootId: string;
  /** Its clock when it sent the newest batch that came. */
  readonly sentAtMs: number;
}

type Told = Pick<BatchHeader, 'sent_at' | 'pending_from_ms' | 'boot_id' | 'sent_by'>;

export class Announced {
  #sentAtMs = Number.NEGATIVE_INFINITY;
  #pendingFromMs: number | undefined;
  #senders: readonly SenderState[] = [];

  /** Event time of the earliest sample that still waits; undefined when none does. */
  get pendingFromMs(): number | undefined {
    return this.#pendingFromMs;
  }

  /** The boot whose process sent the newest batch. */
  get senderBootId(): string | undefined {
    return this.#senders.at(-1)?.bootId;
  }

  /** Whether a batch that was sent later has come before this one. */
  isLatecomer(header: Told): boolean {
    // A process that starts comes after the others, also when the clock was set back in between.
    if (this.#sender(header) === undefined) return false;
    return isBehind(header, this.#sentAtMs);
  }

  /** Whether its own sender has sent it before, or others since: it does not tell who sends now. */
  isOutdated(header: Told): boolean {
    const sender = this.#sender(header);
    return sender !== undefined && isBehind(header, sender.sentAtMs + 1);
  }

  hear(header: Told): void {
    const known = this.#sender(header);
    const isBack = known !== undefined && isBehind(header, known.sentAtMs);
    const sentAtMs = isBack ? known.sentAtMs : header.sent_at;
    const sender: SenderState = { bootId: senderOf(header), sentAtMs };
    if (this.isLatecomer(header)) {
      this.#senders = this.#senders.map((other) => (other === known ? sender : other));
      return;
    }
    this.#senders = [...this.#senders.filter((other) => other !== known), sender];
    this.#senders = this.#senders.slice(-sendersMax);
    this.#sentAtMs = header.sent_at;
    this.#pendingFromMs = header.pending_from_ms;
  }

  checkpoint(): AnnouncedState {
    const sentAtMs = Number.isFinite(this.#sentAtMs) ? this.#sentAtMs : null;
    const pendingFromMs = this.#pendingFromMs ?? null;
    return { sentAtMs, pendingFromMs, senders: this.#senders };
  }

  restore({ sentAtMs, pendingFromMs, senders = [] }: AnnouncedState): void {
    this.#sentAtMs = sentAtMs ?? Number.NEGATIVE_INFINITY;
    this.#pendingFromMs = pendingFromMs ?? undefined;
    this.#senders = senders;
  }

  #sender(header: Told): SenderState | undefined {
    return this.#senders.find(({ bootId }) => bootId === senderOf(header));
  }
}

function isBehind({ sent_at: sentAtMs }: Told, otherMs: number): boolean {
  const earlierMs = otherMs - sentAtMs;
  return earlierMs > 0 && earlierMs <= onItsWayMsMax;
}

function senderOf({ sent_by: sentBy, boot_id: bootId = '' }: Told): string {
  return sentBy ?? bootId;
}
