/**
 * Which process sends as a server. One server has one agent, so one boot at a time: a restart
 * replaces it for good.
 *
 * Invariant: the conflict is there exactly from the second return, within a minute, of one boot
 * that another had replaced, until five minutes have passed without any return.
 *
 * A restart (A B) has no return, and what the network kept of the old boot (A B A B) one of each.
 * It may have kept several batches: what was sent before the first of the boot that sends now is no
 * return, for as long as the network may keep anything.
 */

/** Two returns of one boot within this are two processes that take turns. */
export const returnsWithinMs = 60_000;
/** Without a return for so long there is no conflict any more. */
export const conflictMs = 5 * 60_000;
/** The network keeps a batch no longer: its sender and its receiver both give up before. */
const keptMsMax = 60_000;
/** Replaced boots that are remembered; the one replaced longest ago is forgotten. */
const replacedMax = 8;

export interface Sender {
  readonly bootId: string;
  /** The address that it was last heard from. */
  readonly remote: string;
}

export interface Conflict {
  /** The two that took turns last. */
  readonly senders: readonly [Sender, Sender];
  /** When it was found, ms since the epoch. */
  readonly sinceMs: number;
}

export interface SendersState {
  readonly current: Sender | null;
  readonly conflict: Conflict | null;
  /** These are absent in what an older windrow wrote. */
  readonly firstSentMs?: number | null;
  readonly replaced?: readonly string[];
}

/** The first that came of a boot. */
interface First {
  /** The sender's clock; −∞ where it did not tell. */
  readonly sentMs: number;
  /** Monotonic. */
  readonly heardMs: number;
}

interface Replaced {
  readonly first: First;
  /** When another boot took over, monotonic. */
  readonly replacedMs: number;
  /** When it last came back, monotonic; −∞ when it never did. */
  returnedMs: number;
}

export interface Heard extends Sender {
  /** The sender's clock when it sent; undefined where the format does not tell. */
  readonly sentMs?: number | undefined;
  readonly wallMs: number;
  readonly monotonicMs: number;
}

export class Senders {
  #current: Sender | undefined;
  #first: First = { sentMs: Number.NEGATIVE_INFINITY, heardMs: Number.NEGATIVE_INFINITY };
  #conflict: Conflict | undefined;
  /** Of the last return of any boot, monotonic. */
  #lastReturnMs = Number.NEGATIVE_INFINITY;
  /** By boot id, the one replaced longest ago first. */
  readonly #replaced = new Map<string, Replaced>();

  /** The boot that sends now; undefined before anything told it. */
  get currentBootId(): string | undefined {
    return this.#current?.bootId;
  }

  get conflict(): Conflict | undefined {
    return this.#conflict;
  }

  /** A boot sends. @returns whether a conflict was found by this */
  heard({ bootId, remote, sentMs = Infinity, wallMs, monotonicMs }: Heard): boolean {
    const previous = this.#current;
    const returning = this.#replaced.get(bootId);
    const isKept = sentMs < this.#first.sentMs && monotonicMs - this.#first.heardMs <= keptMsMax;
    if (returning !== undefined && previous?.bootId !== bootId && isKept) return false;
    this.#current = { bootId, remote };
    if (previous?.bootId === bootId) return false;
    if (previous !== undefined) this.#replace(previous.bootId, monotonicMs);
    const toldMs = sentMs === Infinity ? Number.NEGATIVE_INFINITY : sentMs;
    this.#first = returning?.first ?? { sentMs: toldMs, heardMs: monotonicMs };
    if (previous === undefined || returning === undefined) return false;
    const isSecond = monotonicMs - returning.returnedMs <= returnsWithinMs;
    returning.returnedMs = monotonicMs;
    this.#lastReturnMs = monotonicMs;
    if (!isSecond && this.#conflict === undefined) return false;
    const isNew = this.#conflict === undefined;
    const sinceMs = this.#conflict?.sinceMs ?? wallMs;
    this.#conflict = { senders: [previous, this.#current], sinceMs };
    return isNew;
  }

  /** Time passes. @returns whether a conflict has ended by this */
  tick(monotonicMs: number): boolean {
    for (const [bootId, { replacedMs, returnedMs }] of this.#replaced) {
      const lastMs = Math.max(replacedMs, returnedMs);
      if (monotonicMs - lastMs >= conflictMs) this.#replaced.delete(bootId);
    }
    if (this.#conflict === undefined || monotonicMs - this.#lastReturnMs < conflictMs) return false;
    this.#conflict = undefined;
    return true;
  }

  checkpoint(): SendersState {
    const { sentMs } = this.#first;
    return {
      current: this.#current ?? null,
      conflict: this.#conflict ?? null,
      firstSentMs: Number.isFinite(sentMs) ? sentMs : null,
      replaced: [...this.#replaced.keys()],
    };
  }

  /** A conflict goes on after a restart: its five minutes begin anew. */
  restore(state: SendersState, monotonicMs: number): void {
    const { current, conflict, firstSentMs = null, replaced = [] } = state;
    this.#current = current ?? undefined;
    this.#conflict = conflict ?? undefined;
    this.#lastReturnMs = monotonicMs;
    this.#first = { sentMs: firstSentMs ?? Number.NEGATIVE_INFINITY, heardMs: monotonicMs };
    for (const bootId of replaced) {
      const first = { sentMs: Number.NEGATIVE_INFINITY, heardMs: monotonicMs };
      const returnedMs = Number.NEGATIVE_INFINITY;
      this.#replaced.set(bootId, { first, replacedMs: monotonicMs, returnedMs });
    }
  }

  #replace(bootId: string, monotonicMs: number): void {
    const known = this.#replaced.get(bootId);
    // Put last again: the map is in the order of replacement.
    this.#replaced.delete(bootId);
    const returnedMs = known?.returnedMs ?? Number.NEGATIVE_INFINITY;
    this.#replaced.set(bootId, { first: this.#first, replacedMs: monotonicMs, returnedMs });
    const [oldest] = this.#replaced.keys();
    if (this.#replaced.size > replacedMax && oldest !== undefined) this.#replaced.delete(oldest);
  }
}
