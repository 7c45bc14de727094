/**
 * Seeded random numbers: one seed gives one sequence on every machine.
 * FNV-1a for the names of streams.
 */
import { seededRandom } from '../../runtime/testing/seeded-random.ts';

export class Dice {
  readonly #seed: number;
  /** Uniform in [0, 1). */
  readonly next: () => number;

  constructor(seed: number) {
    this.#seed = seed >>> 0;
    this.next = seededRandom(this.#seed);
  }

  /** A stream of its own: what is drawn from it shifts nobody else's draws. */
  stream(name: string): Dice {
    let hash = 0x811c9dc5 ^ this.#seed;
    for (let i = 0; i < name.length; i += 1) {
      hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193);
    }
    return new Dice(hash);
  }

  /** A whole number, both ends included. */
  between(from: number, to: number): number {
    return from + Math.floor(this.next() * (to - from + 1));
  }

  chance(share: number): boolean {
    return this.next() < share;
  }

  pick<T>(choices: readonly [T, ...T[]]): T {
    return choices[this.between(0, choices.length - 1)] ?? choices[0];
  }
}
