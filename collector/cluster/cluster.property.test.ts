/**
 * A fleet that sends while collectors are killed, join, leave and cannot store, compared with one
 * collector to which nothing happens. Killed means: what was not committed is gone.
 */
import fc from '../../runtime/testing/property.ts';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { SEED_B_TOPIC } from '../../wire/compat/seed-b.ts';
import type { RawRecord } from '../../wire/records/record.ts';
import { goodbye, sample, seedA, seedB } from '../ingest/testing/records.ts';
import { storedSamples, storedWindows } from '../store/history.ts';
import {
  append,
  createFleetLog,
  type FleetLog,
  type Member,
  pass,
  send,
  startMember,
} from './testing/members.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
});
afterEach(() => {
  vi.useRealTimers();
});

const everything = { fromMs: 0, toMs: Number.MAX_SAFE_INTEGER };
/** Hundreds of databases are opened: memory, where the system has a folder of it. */
const fastFolder = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();
const names = ['one', 'two'] as const;
type Name = (typeof names)[number];

/** What the fleet does in a step; the same in each run. */
interface Sending {
  readonly server: 'a' | 'b' | 'c' | 'seed-a' | 'seed-b';
  readonly seconds: number;
  /** Own servers: the older part waits, and comes with a later batch. */
  readonly outage: boolean;
  /** Own servers: this many of the newest come again. */
  readonly repeats: number;
  /** Own servers: one sample from so long ago. */
  readonly lateMs: number;
  readonly goodbye: boolean;
}

type Fate =
  | { readonly kind: 'none' }
  | { readonly kind: 'kill' | 'stop' | 'start' | 'no store'; readonly name: Name }
  | { readonly kind: 'no results' };

const sending: fc.Arbitrary<Sending> = fc.record({
  server: fc.constantFrom('a', 'a', 'b', 'c', 'seed-a', 'seed-b'),
  seconds: fc.integer({ min: 1, max: 35 }),
  outage: fc.boolean(),
  repeats: fc.constantFrom(0, 0, 0, 3),
  lateMs: fc.constantFrom(0, 0, 3_000, 25_000),
  goodbye: fc.constantFrom(false, false, false, true),
});
const name = fc.constantFrom(...names);
const fate: fc.Arbitrary<Fate> = fc.oneof(
  { weight: 3, arbitrary: fc.constant({ kind: 'none' as const }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constantFrom('kill', 'start'), name }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom('stop', 'no store'), name }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('no results' as const) }) },
);
/** Who cannot store for half a minute gives its share to the others. */
const waitSeconds = fc.constantFrom(0, 0, 0, 0, 1, 1, 2, 35);
const step = fc.record({ sending, fate, waitSeconds });

/** Sends as the servers would; keeps their numbers. */
class Fleet {
  readonly log: FleetLog = createFleetLog();
  readonly #seqs = new Map<string, number>();
  readonly #waiting = new Map<string, RawRecord[]>();
  readonly #goodbyesMs = new Map<string, number>();
  #counter = 0;

  /** Everything that was measured up to now. */
  send({ server, seconds, ...how }: Sending): void {
    const nowMs = this.log.clock.wallMs();
    const times = Array.from({ length: seconds }, (_, i) => nowMs - (seconds - 1 - i) * 1_000);
    if (server === 'seed-a') return this.#sendSeedA(times);
    if (server === 'seed-b') return this.#sendSeedB(times);
    const records = times.map((ts) => this.#sample(server, ts));
    this.#sendOwn(server, records, how);
    const oldest = this.#waiting.get(server)?.[0];
    const told = oldest === undefined ? {} : { pending_from_ms: tsOf(oldest) };
    const lateMs = nowMs - how.lateMs - 7;
    // What a server measures when it is back is later than its goodbye.
    if (how.lateMs > 0 && lateMs > (this.#goodbyesMs.get(server) ?? 0)) {
      // Of another header than the batch before it: what has the same is one batch.
      const late = [this.#sample(server, lateMs)];
      send(this.log, late, { ...header(server), ...told, waiting: 1 });
    }
    if (!how.goodbye) return;
    this.#goodbyesMs.set(server, nowMs);
    send(this.log, [goodbye(server, 'boot', nowMs)], { ...header(server), ...told });
  }

  /** Makes everything before it final. */
  finish(): void {
    this.log.clock.advance(120_000);
    for (const server of ['a', 'b', 'c'] as const) {
      this.#sendOwn(server, [this.#sample(server, this.log.clock.wallMs())]);
    }
    this.#sendSeedA([this.log.clock.wallMs()]);
    this.#sendSeedB([this.log.clock.wallMs()]);
  }

  #sendOwn(
    server: string,
    records: readonly RawRecord[],
    { outage = false, repeats = 0 }: { outage?: boolean; repeats?: number } = {},
  ): void {
    const before = this.#waiting.get(server) ?? [];
    const older = outage ? records.slice(0, -2) : [];
    const waiting = [...before, ...older];
    const oldest = outage ? waiting[0] : undefined;
    this.#waiting.set(server, outage ? waiting : []);
    const newest = records.slice(older.length);
    const told = oldest === undefined ? {} : { pending_from_ms: tsOf(oldest) };
    // The newest go first; what has waited comes behind them, oldest first, in parts.
    const pending = outage || before.length === 0 ? told : { pending_from_ms: tsOf(before[0]!) };
    send(this.log, newest, { ...header(server), ...pending });
    if (!outage) {
      for (let at = 0; at < before.length; at += 20) {
        const next = before[at + 20];
        const rest = next === undefined ? {} : { pending_from_ms: tsOf(next) };
        send(this.log, before.slice(at, at + 20), { ...header(server), ...rest });
      }
    }
    if (repeats > 0) send(this.log, newest.slice(-repeats), { ...header(server), ...told });
  }

  #sample(server: string, ts: number): RawRecord {
    const seq = this.#seqs.get(server) ?? 0;
    this.#seqs.set(server, seq + 1);
    return sample({ server_id: server, ts, seq, cpu_pct: (seq * 7) % 100, mem_pct: 0.1 * seq });
  }

  #sendSeedA(times: readonly number[]): void {
    for (const ts of times) {
      this.#counter += 1;
      const value = this.#counter;
      append(this.log, [
        seedA('cpu', ts, { cpu_pct: value % 100 }),
        seedA('mem', ts, { mem_pct: value % 90 }),
        seedA('net', ts, { net_in: value, net_out: 2 * value }),
        seedA('disk', ts, { disk_io: value }),
      ]);
    }
  }

  #sendSeedB(times: readonly number[]): void {
    for (const ts of times) {
      this.#counter += 1;
      const bytes = this.#counter ** 2;
      const { value } = seedB(ts, { recv: bytes, sent: bytes, read: bytes, write: 0 });
      // Its producers know no keys: one record is here, the next one there.
      const partition = (5 * this.#counter + Math.floor(this.#counter / 7)) % 3;
      const body = Buffer.from(JSON.stringify(value));
      this.log.log.append({ topic: SEED_B_TOPIC, partition, value: body, timeMs: ts });
    }
  }
}

const header = (server: string) => ({ server_id: server, boot_id: 'boot' });
const tsOf = ({ value }: RawRecord): number => (value as { ts: number }).ts;

interface Outcome {
  readonly windows: unknown[];
  /** Without repeats over collectors. */
  readonly samples: string[];
  readonly delivery: readonly { readonly lost: number }[];
}

interface Step {
  readonly sending: Sending;
  readonly fate: Fate;
  readonly waitSeconds: number;
}

async function outcomesOf(steps: readonly Step[]): Promise<Outcome[]> {
  const folder = mkdtempSync(join(fastFolder, 'windrow-test-'));
  const fleet = new Fleet();
  const members = new Map<Name, Member>();
  const started: Member[] = [];
  const start = async (name: Name): Promise<void> => {
    if (members.has(name)) return;
    const dataDir = join(folder, name);
    const member = startMember({ fleetLog: fleet.log, name, dataDir });
    members.set(name, member);
    started.push(member);
    // It joins at once, so that it can be killed.
    await vi.advanceTimersByTimeAsync(1);
  };
  const end = async (name: Name, how: 'kill' | 'stop'): Promise<void> => {
    const member = members.get(name);
    members.delete(name);
    await member?.[how]();
  };
  const go = (seconds: number) => pass(seconds, fleet.log.clock, [...members.values()]);
  try {
    await start('one');
    await go(1);
    for (const { sending, fate, waitSeconds } of steps) {
      fleet.log.clock.advance(sending.seconds * 1_000);
      fleet.send(sending);
      for (const member of members.values()) member.storing(true);
      if (fate.kind === 'start') await start(fate.name);
      else if (fate.kind === 'kill' || fate.kind === 'stop') await end(fate.name, fate.kind);
      else if (fate.kind === 'no store') members.get(fate.name)?.storing(false);
      else if (fate.kind === 'no results') fleet.log.log.failSends(3, { written: true });
      // What is in the log is read before the clock goes on.
      await vi.advanceTimersByTimeAsync(1);
      await go(waitSeconds);
    }
    for (const member of members.values()) member.storing(true);
    await start('one');
    await go(8);
    fleet.finish();
    await go(45);
    const outcomes = [...members.values()].map(outcomeOf);
    return outcomes;
  } finally {
    for (const { db } of started) if (db.isOpen) db.close();
    vi.clearAllTimers();
    rmSync(folder, { recursive: true });
  }
}

function outcomeOf({ db, registry }: Member): Outcome {
  const windows = [...storedWindows(db, everything)].filter((window) => window.final);
  const samples = [...storedSamples(db, everything)].map((row) => JSON.stringify(row));
  const delivery = [...registry.all()]
    .map((source) => Object.assign({ serverId: source.serverId }, source.delivery))
    .sort((a, b) => (a.serverId < b.serverId ? -1 : 1));
  return { windows, samples, delivery };
}

const alone = (step: Step): Step => ({ ...step, fate: { kind: 'none' } });

it('one collector that is killed, stopped and cannot store ends as if nothing had happened', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { minLength: 3, maxLength: 14, size: 'max' }),
      async (steps) => {
        const own = steps.map(
          (each): Step =>
            'name' in each.fate ? { ...each, fate: { ...each.fate, name: 'one' } } : each,
        );
        const [undisturbed] = await outcomesOf(steps.map(alone));
        // Where all that was sent last left something behind, its windows are still waited for.
        fc.pre(undisturbed !== undefined && undisturbed.windows.length > 0);
        expect(await outcomesOf(own)).toEqual([undisturbed]);
      },
    ),
    { numRuns: 60 },
  );
}, 240_000);

it('collectors that come and go end with the same windows each, and no sample is stored twice', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { minLength: 3, maxLength: 14, size: 'max' }),
      async (steps) => {
        const [undisturbed] = await outcomesOf(steps.map(alone));
        const outcomes = await outcomesOf(steps);
        for (const { windows, samples } of outcomes) {
          expect(windows).toEqual(undisturbed?.windows);
          expect(new Set(samples).size).toBe(samples.length);
        }
      },
    ),
    { numRuns: 60 },
  );
}, 240_000);
