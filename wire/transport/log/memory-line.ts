/** What is between one program and a log in memory: it may be cut, and is heard again some time after it has healed. */
import { WindrowError } from '../../../runtime/errors.ts';
import { pause } from '../../../runtime/lifecycle.ts';

/** An answer that takes longer never comes. */
const answerMsMax = 10_000;

/** Since it was cut. */
export interface Unheard {
  /** Aborts when the group hears of the program again. */
  readonly heard: AbortSignal;
  /** After so long the program notices by itself that its session has ended. */
  readonly noticesAfterMs: number;
}

export class MemoryLine {
  /** Aborts when records pass again; undefined: they do. */
  #healed: AbortController | undefined;
  /** As `Unheard` has it; undefined: it is heard. */
  #heard: AbortController | undefined;
  #hearing: NodeJS.Timeout | undefined;
  readonly #members: ((unheard: Unheard) => void)[] = [];

  get isCut(): boolean {
    return this.#healed !== undefined;
  }

  get isHeard(): boolean {
    return this.#heard === undefined;
  }

  /** @param told when the group does not hear of the program from now on */
  onCut(told: (unheard: Unheard) => void): void {
    this.#members.push(told);
  }

  cut(noticesAfterMs: number): void {
    clearTimeout(this.#hearing);
    this.#healed ??= new AbortController();
    if (this.#heard !== undefined) return;
    this.#heard = new AbortController();
    for (const told of this.#members) told({ heard: this.#heard.signal, noticesAfterMs });
  }

  /** Records pass at once. */
  heal(heardAfterMs: number): void {
    if (this.#healed === undefined) return;
    this.#healed.abort();
    this.#healed = undefined;
    this.#hearing = setTimeout(() => this.hear(), heardAfterMs);
  }

  /** The group hears of it. */
  hear(): void {
    clearTimeout(this.#hearing);
    this.#heard?.abort();
    this.#heard = undefined;
  }

  /** Resolves when it is whole, or the signal aborts. */
  async whole(signal: AbortSignal): Promise<void> {
    while (this.#healed !== undefined && !signal.aborted) {
      await pause(answerMsMax, AbortSignal.any([this.#healed.signal, signal]));
    }
  }

  /** What was sent arrives when it is whole again, unless nobody waits for that so long. @throws WindrowError */
  async arrives(signal: AbortSignal): Promise<void> {
    if (this.#healed === undefined) return;
    await pause(answerMsMax, AbortSignal.any([this.#healed.signal, signal]));
    if (signal.aborted) throw new WindrowError('aborted', 'sending was aborted');
    if (this.isCut) throw noAnswer();
  }
}

export function noAnswer(): WindrowError {
  return new WindrowError('unreachable', 'no answer', { retryable: true });
}
