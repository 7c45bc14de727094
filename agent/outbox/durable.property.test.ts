import { join } from 'node:path';
import fc from '../../runtime/testing/property.ts';
import { expect, it } from 'vitest';
import { createKeptLog } from '../../runtime/testing/kept-log.ts';
import { createManualClock, noonMs } from '../../runtime/testing/manual-clock.ts';
import { temporaryFolder } from '../../runtime/testing/temporary-folder.ts';
import { DurableOutbox } from './durable.ts';
import type { Lease } from './port.ts';

const { log } = createKeptLog();

const DO = fc.oneof(
  { weight: 6, arbitrary: fc.constant('add' as const) },
  {
    weight: 5,
    arbitrary: fc.constantFrom('inventory' as const, 'live' as const, 'backlog' as const),
  },
  { weight: 1, arbitrary: fc.constantFrom('stop' as const, 'kill' as const) },
  {
    weight: 6,
    arbitrary: fc.constantFrom('acknowledge' as const, 'giveBack' as const, 'discard' as const),
  },
);
/** What is done, and with what: how many are added, whether the clock goes back before, which lease ends. */
const STEP = fc.record({
  do: DO,
  count: fc.integer({ min: 1, max: 60 }),
  clockBack: fc.boolean(),
  which: fc.nat({ max: 3 }),
});
type Step = typeof STEP extends fc.Arbitrary<infer T> ? T : never;
const ADD_MANY: Step = { do: 'add', count: 60, clockBack: false, which: 0 };
const STEPS = fc.array(STEP, { maxLength: 80, size: 'max' });

/** On their way at once; more than there are lanes. */
const leasesMax = 3;

interface Made {
  readonly bootId: string;
  readonly seq: number | null;
  readonly atMs: number;
}

/** An outbox in a file, and beside it what must be true of it. */
class Run {
  readonly #path = join(temporaryFolder(), 'outbox.db');
  readonly #bytesMax: number;
  readonly #bodyChars: number;
  readonly #opened: DurableOutbox[] = [];
  readonly #made = new Map<string, Made>();
  outbox: DurableOutbox;
  leases: Lease[] = [];
  /** By line: made, and neither acknowledged nor refused. */
  readonly owed = new Map<string, Made>();
  kills = 0;
  refused = 0;
  #boot = 0;
  #seq = 0;
  #atMs = noonMs;

  constructor(bytesMax: number, bodyChars: number) {
    this.#bytesMax = bytesMax;
    this.#bodyChars = bodyChars;
    this.outbox = this.#open();
  }

  get made(): number {
    return this.#made.size;
  }

  #open(): DurableOutbox {
    const outbox = new DurableOutbox({
      path: this.#path,
      bytesMax: this.#bytesMax,
      bootId: `boot-${this.#boot}`,
      clock: createManualClock(),
      log,
    });
    this.#opened.push(outbox);
    return outbox;
  }

  add(seq: number | null): void {
    this.#atMs += 1_000;
    const made = { bootId: `boot-${this.#boot}`, seq, atMs: this.#atMs };
    const line = `{"no":${this.#made.size},"fill":"${'x'.repeat(this.#bodyChars)}"}`;
    this.#made.set(line, made);
    this.owed.set(line, made);
    this.outbox.add({ line, seq, atMs: this.#atMs });
  }

  async step(step: Step): Promise<void> {
    if (step.do === 'add') {
      if (step.clockBack) this.#atMs -= 30_000;
      for (let i = 0; i < step.count; i += 1) this.add(this.#seq++);
    } else if (step.do === 'inventory') this.add(null);
    else if (step.do === 'live' || step.do === 'backlog') this.take(step.do);
    else if (step.do === 'stop' || step.do === 'kill') await this.restart(step.do);
    else this.end(step.do, step.which);
  }

  take(lane: 'live' | 'backlog'): void {
    if (this.leases.length >= leasesMax) return;
    const lease = lane === 'live' ? this.outbox.takeLive() : this.outbox.takeBacklog();
    if (lease !== undefined) this.leases.push(lease);
  }

  end(how: 'acknowledge' | 'giveBack' | 'discard', which: number): void {
    const [lease] = this.leases.splice(which, 1);
    if (lease === undefined) return;
    this.outbox[how](lease);
    if (how === 'giveBack') return;
    for (const { line } of lease.records) this.owed.delete(line);
    if (how === 'discard') this.refused += lease.records.length;
  }

  async restart(how: 'stop' | 'kill'): Promise<void> {
    this.leases = [];
    if (how === 'stop') await this.outbox.close();
    else this.kills += 1;
    this.#boot += 1;
    this.#seq = 0;
    this.outbox = this.#open();
  }

  /** All that the outbox gives, by line. */
  everything(): Map<string, string> {
    const given = new Map<string, string>();
    for (const lease of this.leases) {
      for (const { line } of lease.records) given.set(line, lease.bootId);
    }
    for (;;) {
      const lease = this.outbox.takeLive() ?? this.outbox.takeBacklog();
      if (lease === undefined) return given;
      for (const { line } of lease.records) {
        expect(given.has(line)).toBe(false);
        given.set(line, lease.bootId);
      }
    }
  }

  async close(): Promise<void> {
    for (const outbox of this.#opened) await outbox.close();
  }
}

function least(values: readonly number[]): number | undefined {
  return values.length === 0 ? undefined : Math.min(...values);
}

it('whatever happens, a record is acknowledged, refused or given again, and a header tells what waits', async () => {
  await fc.assert(
    fc.asyncProperty(STEPS, async (steps) => {
      const run = new Run(64 * 1024 * 1024, 20);
      for (const step of steps) {
        await run.step(step);
        if (run.kills === 0) expect(run.outbox.size).toBe(run.owed.size);
        for (const lease of run.leases) {
          const own = new Set(lease.records.map(({ line }) => line));
          const samples = [...run.owed].filter(([, { seq }]) => seq !== null);
          const others = samples.filter(([line]) => !own.has(line));
          const facts = run.outbox.factsOf(lease);
          const expected = {
            oldestOutstandingSeq: least(
              samples
                .filter(([, { bootId }]) => bootId === lease.bootId)
                .map(([, { seq }]) => seq ?? 0),
            ),
            pendingFromMs: least(others.map(([, { atMs }]) => atMs)),
          };
          // What was acknowledged just before a kill waits again: then it may only say too little is settled.
          if (run.kills === 0) {
            expect(facts).toMatchObject(expected);
            expect(facts.waiting).toBe(run.owed.size - lease.records.length);
          } else {
            expect(facts.oldestOutstandingSeq ?? Infinity).toBeLessThanOrEqual(
              expected.oldestOutstandingSeq ?? Infinity,
            );
            expect(facts.pendingFromMs ?? Infinity).toBeLessThanOrEqual(
              expected.pendingFromMs ?? Infinity,
            );
          }
        }
      }
      const given = run.everything();
      for (const [line, { bootId }] of run.owed) expect(given.get(line)).toBe(bootId);
      if (run.kills === 0) expect(given.size).toBe(run.owed.size);
      await run.close();
    }),
    { numRuns: 40 },
  );
}, 60_000);

it('in a full outbox every record is acknowledged, waits, or is counted as dropped', async () => {
  let drops = 0;
  await fc.assert(
    fc.asyncProperty(STEPS, async (steps) => {
      // The log's share, and pages for twice what may be on its way.
      const run = new Run(12 * 1024 * 1024 + 800 * 1024, 600);
      for (let i = 0; i < 10; i += 1) await run.step(ADD_MANY);
      for (const step of steps) await run.step(step);
      const given = run.everything();
      const missing = [...run.owed.keys()].filter((line) => !given.has(line)).length;
      // After a kill, what was acknowledged or refused just before waits again, and may be dropped then.
      if (run.kills === 0) expect(run.outbox.dropped).toBe(missing + run.refused);
      else expect(run.outbox.dropped).toBeGreaterThanOrEqual(missing);
      drops += missing;
      await run.close();
    }),
    { numRuns: 30 },
  );
  expect(drops).toBeGreaterThan(0);
}, 60_000);
