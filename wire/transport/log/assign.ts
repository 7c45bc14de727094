/**
 * Which member of a group gets which slots: every slot goes to exactly one member, the counts differ
 * by at most one, and nobody loses a slot but to make them so. A slot is partition i of all topics
 * together, so what is decided here holds for each of them.
 */
export interface Claimant {
  /** The member's name, which stays the same over its restarts. */
  readonly name: string;
  /** What it has as far as it knows: what it keeps, if that is its due. Not trusted. */
  readonly slots: readonly number[];
}

/** @returns slots by the member's name, each list in increasing order */
export function assignSlots(
  slotCount: number,
  claimants: readonly Claimant[],
): ReadonlyMap<string, readonly number[]> {
  const claims = claimsOf(slotCount, claimants);
  const due = dueOf(slotCount, claims);
  const kept = new Map([...claims].map(([name, slots]) => [name, slots.slice(0, due.get(name))]));
  const taken = new Set([...kept.values()].flat());
  const free = Array.from({ length: slotCount }, (_, slot) => slot).filter(
    (slot) => !taken.has(slot),
  );
  for (const [name, slots] of kept) {
    slots.push(...free.splice(0, (due.get(name) ?? 0) - slots.length));
    slots.sort((a, b) => a - b);
  }
  return kept;
}

/** What each may claim, by name in order; of two that claim one slot the first has it. */
function claimsOf(slotCount: number, claimants: readonly Claimant[]): Map<string, number[]> {
  const claimed = new Set<number>();
  const inOrder = [...claimants].sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  return new Map(
    inOrder.map(({ name, slots }) => {
      const own = slots.filter((slot) => slot >= 0 && slot < slotCount && Number.isInteger(slot));
      const first = [...new Set(own)].filter((slot) => !claimed.has(slot)).sort((a, b) => a - b);
      for (const slot of first) claimed.add(slot);
      return [name, first] as const;
    }),
  );
}

/** How many each gets; the few that are over go to those who claim the most. */
function dueOf(
  slotCount: number,
  claims: ReadonlyMap<string, readonly number[]>,
): ReadonlyMap<string, number> {
  const least = Math.floor(slotCount / Math.max(1, claims.size));
  const over = slotCount - least * claims.size;
  const byClaims = [...claims].sort(([, a], [, b]) => b.length - a.length);
  return new Map(byClaims.map(([name], index) => [name, least + (index < over ? 1 : 0)]));
}
