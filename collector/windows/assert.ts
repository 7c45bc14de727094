/** Throws when an invariant does not hold: a fault of this program, never of its input. */
export function assert(holds: boolean, sentence: string): asserts holds {
  if (!holds) throw new Error(`windows: ${sentence}`);
}
