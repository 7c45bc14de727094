import fc from '../../runtime/testing/property.ts';
import { expect, it } from 'vitest';
import { conflictMs, returnsWithinMs, Senders } from './senders.ts';

/** Hears boots in turn, a letter each, a second apart. */
function heard(letters: string, senders = new Senders(), fromMs = 0): Senders {
  letters.split('').forEach((bootId, i) => {
    const atMs = fromMs + i * 1_000;
    senders.heard({ bootId, remote: `10.0.0.${bootId}`, wallMs: atMs, monotonicMs: atMs });
  });
  return senders;
}

it.each(['AAAA', 'AABB', 'ABCDEF', 'ABAB', 'AABBABBB', 'ABCABC'])(
  'restarts, and what the network kept of the boot before (%s), are no conflict',
  (letters) => {
    expect(heard(letters).conflict).toBeUndefined();
  },
);

it.each(['ABABA', 'AABBAABBAABB', 'ABBABBABB', 'ABACA', 'ABCABCA'])(
  'two that take turns (%s) are a conflict, which names both and where they are',
  (letters) => {
    const conflict = heard(letters).conflict;
    const boots = conflict?.senders.map(({ bootId }) => bootId) ?? [];
    expect(boots[0]).not.toBe(boots[1]);
    for (const { bootId, remote } of conflict?.senders ?? []) {
      expect(letters).toContain(bootId);
      expect(remote).toBe(`10.0.0.${bootId}`);
    }
  },
);

it('several batches that the network kept of the boot before are no conflict, also after a restart', () => {
  const hears = (senders: Senders, bootId: string, sentMs: number, ms: number) =>
    senders.heard({ bootId, remote: 'r', sentMs, wallMs: ms, monotonicMs: ms });
  const before = new Senders();
  hears(before, 'A', 1_000, 1_010);
  hears(before, 'B', 5_000, 5_010);
  hears(before, 'A', 1_100, 5_500);
  hears(before, 'B', 5_600, 5_610);
  hears(before, 'A', 1_200, 5_700);
  expect(before.currentBootId).toBe('B');
  const after = new Senders();
  after.restore(JSON.parse(JSON.stringify(before.checkpoint())), 50);
  for (const [i, bootId] of 'ABABAB'.split('').entries()) {
    const at = 100 + i * 10;
    expect(hears(after, bootId, bootId === 'A' ? 1_300 + i : 6_000 + i, at)).toBe(false);
  }
  expect(after.conflict).toBeUndefined();
});

it('two whose clocks differ by hours are a conflict once the network can have kept nothing', () => {
  const senders = new Senders();
  const found: number[] = [];
  for (let s = 0; s < 70; s += 1) {
    const isA = s % 2 === 0;
    const monotonicMs = s * 1_000;
    const sentMs = monotonicMs + (isA ? 0 : 7_200_000);
    const sender = { bootId: isA ? 'A' : 'B', remote: 'r' };
    if (senders.heard({ ...sender, sentMs, wallMs: monotonicMs, monotonicMs })) found.push(s);
  }
  expect(found).toHaveLength(1);
  expect(found[0]).toBeGreaterThan(60);
});

it('a conflict is told when it is found and when it has ended, once each', () => {
  const senders = heard('ABAB');
  const at = (ms: number) => ({ remote: 'r', wallMs: 7, monotonicMs: ms });
  expect(senders.heard({ bootId: 'A', ...at(4_000) })).toBe(true);
  expect(senders.conflict?.sinceMs).toBe(7);
  expect(senders.heard({ bootId: 'B', ...at(5_000) })).toBe(false);
  expect(senders.heard({ bootId: 'B', ...at(200_000) })).toBe(false);
  expect(senders.tick(5_000 + conflictMs - 1)).toBe(false);
  expect(senders.conflict?.sinceMs).toBe(7);
  expect(senders.tick(5_000 + conflictMs)).toBe(true);
  expect(senders.conflict).toBeUndefined();
  expect(senders.tick(5_001 + conflictMs)).toBe(false);
});

it('a conflict goes on after a restart of the collector, and the current boot with it', () => {
  const before = heard('ABABA');
  const after = new Senders();
  after.restore(JSON.parse(JSON.stringify(before.checkpoint())), 50);
  expect(after.currentBootId).toBe('A');
  expect(after.conflict).toEqual(before.conflict);
  expect(after.tick(50 + conflictMs)).toBe(true);
});

it('a sender that makes up boots fills no memory: the one replaced longest ago is forgotten', () => {
  expect(heard('ABCDEFGHAXA').conflict).toBeDefined();
  expect(heard('ABCDEFGHIJAXA').conflict).toBeUndefined();
});

/** By definition, from the whole history: some boot came back twice within a minute. */
function isConflict(history: readonly { readonly bootId: string; readonly atMs: number }[]) {
  const seen = new Set<string>();
  const returns = new Map<string, number>();
  let found = false;
  let lastReturnMs = Number.NEGATIVE_INFINITY;
  let current: string | undefined;
  for (const { bootId, atMs } of history) {
    if (atMs - lastReturnMs >= conflictMs) found = false;
    if (bootId === current) continue;
    current = bootId;
    if (seen.has(bootId)) {
      found ||= atMs - (returns.get(bootId) ?? Number.NEGATIVE_INFINITY) <= returnsWithinMs;
      returns.set(bootId, atMs);
      lastReturnMs = atMs;
    }
    seen.add(bootId);
  }
  return found;
}

it('finds a conflict exactly when a boot came back twice within a minute', () => {
  const step = fc.record({
    bootId: fc.constantFrom('A', 'B', 'C'),
    // Shorter than what is forgotten: a boot unheard for longer than a conflict is a new one.
    waitMs: fc.constantFrom(1, 1_000, 20_000, 45_000, 61_000),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const senders = new Senders();
      const history: { bootId: string; atMs: number }[] = [];
      let atMs = 0;
      for (const { bootId, waitMs } of steps) {
        for (const end = atMs + waitMs; atMs < end; atMs = Math.min(end, atMs + 1_000)) {
          senders.tick(atMs);
        }
        senders.tick(atMs);
        senders.heard({ bootId, remote: '', wallMs: atMs, monotonicMs: atMs });
        history.push({ bootId, atMs });
        fc.pre(!forgets(history));
        expect(senders.conflict !== undefined).toBe(isConflict(history));
      }
    }),
    { numRuns: 300 },
  );
});

/** A boot that was gone for so long that it counts as new. */
function forgets(history: readonly { readonly bootId: string; readonly atMs: number }[]): boolean {
  const lastMs = new Map<string, number>();
  return history.some(({ bootId, atMs }) => {
    const gone = atMs - (lastMs.get(bootId) ?? atMs) >= conflictMs;
    lastMs.set(bootId, atMs);
    return gone;
  });
}
