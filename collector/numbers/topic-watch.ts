/** Tells what becomes of the topic of numbers while it is read. */
import { NUMBERS_TOPIC } from '../../wire/compat/seed-d.ts';
import type { SlotStart } from '../../wire/transport/log/port.ts';

export class TopicWatch {
  readonly #tell: (line: string) => void;
  /** Of the one that was read last. */
  #id: string | undefined;
  #isGone = false;
  /** Of the share that is about to be assigned. */
  #isMissing = false;

  constructor(tell: (line: string) => void) {
    this.#tell = tell;
  }

  /** It is not there, and nothing of a new one was ours yet. */
  get isGone(): boolean {
    return this.#isGone;
  }

  missing(): void {
    this.#isMissing = true;
    if (this.#isGone) return;
    this.#isGone = true;
    this.#tell(`topic ${NUMBERS_TOPIC} is gone: waits until somebody makes it again`);
  }

  assigned([start]: readonly SlotStart[]): void {
    const isMissing = this.#isMissing;
    this.#isMissing = false;
    if (isMissing) return;
    const isAnew = this.#id !== undefined && start !== undefined && this.#id !== start.topicId;
    // Brokers may have missed it for a moment, or another adder reads it.
    if (this.#isGone && !isAnew) this.#tell(`topic ${NUMBERS_TOPIC} is there again`);
    if (isAnew)
      this.#tell(`topic ${NUMBERS_TOPIC} was made anew: the total is of this one, from its start`);
    this.#id = start?.topicId ?? this.#id;
    this.#isGone = false;
  }
}
