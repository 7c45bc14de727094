/**
 * Collectors that are killed, stopped, started and cut off from the log at any time, or cannot store,
 * while servers come and go between idle and busy, the receiver is down, and nothing gets into the log.
 */
import fc from '../../../runtime/testing/property.ts';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import { ALERTS_TOPIC, type AlertRecordOnWire } from '../../../wire/records/alert-record.ts';
import type { Member } from '../testing/members.ts';
import { type AlertFleet, alertFleet, type Arrived, serverIn } from './testing/fleet.ts';

const servers = [serverIn(0), serverIn(1), serverIn(2)] as const;
const names = ['one', 'two'] as const;
type Name = (typeof names)[number];
/** Databases are opened often: memory, where the system has a folder of it. */
const fastFolder = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();

const fate = fc.oneof(
  { weight: 4, arbitrary: fc.constant({ kind: 'none' } as const) },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constantFrom('kill', 'stop', 'start', 'restart'),
      name: fc.constantFrom(...names),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constantFrom('cut off', 'stands still'),
      name: fc.constantFrom(...names),
      /** Its session lasts 10 s. */
      cutMs: fc.oneof(
        fc.integer({ min: 500, max: 30_000 }),
        fc.integer({ min: 10_000, max: 15_000 }),
      ),
      /** Its heartbeat comes some time after its records. */
      heardAfterMs: fc.integer({ min: 0, max: 3_000 }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constantFrom('full disk', 'locked database'),
      name: fc.constantFrom(...names),
      /** After half a minute others get its share. */
      fullMs: fc.integer({ min: 500, max: 90_000 }),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constantFrom(
        'receiver down',
        'receiver up',
        'slow receiver',
        'no sends',
        'a kill after sending',
      ),
    }),
  },
);
const step = fc.record({
  fate,
  /** Whoever writes into the log for the nth time is killed in the middle of that. */
  killsAtSend: fc.oneof(
    { weight: 2, arbitrary: fc.constant(0) },
    { weight: 1, arbitrary: fc.integer({ min: 1, max: 12 }) },
  ),
  seconds: fc.integer({ min: 1, max: 40 }),
  busy: fc.tuple(fc.boolean(), fc.boolean(), fc.boolean()),
});
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

const ofNotice = ({ id, status }: Pick<Arrived, 'id' | 'status'>): string => `${id} ${status}`;

class Run {
  readonly fleet: AlertFleet;
  /** Was sent by one that was killed, was cut off or could not store before the topic knew. */
  readonly mayRepeat = new Set<string>();
  readonly #up = new Map<Name, Member>();

  constructor(newFolder: () => string) {
    this.fleet = alertFleet(undefined, newFolder);
    this.fleet.receiver.onKill = ({ name }) => this.#noteUnrecorded(name);
  }

  async begin(): Promise<void> {
    for (const name of names) await this.#start(name);
  }

  async step({ fate: what, killsAtSend, seconds, busy }: Step): Promise<void> {
    await this.#befall(what);
    this.fleet.receiver.killsAtSend = killsAtSend;
    const cpu = servers.map((server, i) => [server, busy[i] === true ? 99 : 1] as const);
    await this.fleet.run(seconds, Object.fromEntries(cpu));
    this.fleet.log.failSends(0);
  }

  async end(): Promise<void> {
    const { fleet } = this;
    fleet.receiver.isDown = false;
    fleet.receiver.answerMs = 0;
    fleet.receiver.killsNext = false;
    fleet.receiver.killsAtSend = 0;
    for (const member of this.#up.values()) {
      if (member.db.isOpen) member.heal(0);
      member.storing(true);
    }
    for (const name of names) await this.#start(name);
    await fleet.run(100, Object.fromEntries(servers.map((server) => [server, 1])));
    for (const member of this.#up.values()) if (member.db.isOpen) await member.stop();
  }

  close(): void {
    for (const { db } of this.#up.values()) if (db.isOpen) db.close();
  }

  async #befall(what: Step['fate']): Promise<void> {
    const { receiver, log } = this.fleet;
    if (what.kind === 'receiver down') receiver.isDown = true;
    if (what.kind === 'receiver up') receiver.isDown = false;
    if (what.kind === 'receiver up') receiver.answerMs = 0;
    if (what.kind === 'slow receiver') receiver.answerMs = 2_500;
    if (what.kind === 'a kill after sending') receiver.killsNext = true;
    if (what.kind === 'no sends') log.failSends(1_000_000);
    if (!('name' in what)) return;
    const { kind, name } = what;
    const member = this.#up.get(name);
    if (kind === 'start') await this.#start(name);
    if (member?.db.isOpen !== true || kind === 'start') return;
    if (kind === 'stop') await member.stop();
    else this.#noteUnrecorded(name);
    if (kind === 'kill' || kind === 'restart') member.kill();
    if (kind === 'restart') await this.#start(name);
    if ('fullMs' in what) {
      member.storing(false, { isLocked: kind === 'locked database' });
      setTimeout(() => member.storing(true), what.fullMs);
    }
    if (!('cutMs' in what)) return;
    member.cutOff({ isStill: kind === 'stands still' });
    setTimeout(() => {
      if (member.db.isOpen) member.heal(what.heardAfterMs);
    }, what.cutMs);
  }

  async #start(name: Name): Promise<void> {
    if (this.#up.get(name)?.db.isOpen === true) return;
    this.#up.set(name, this.fleet.start(name, this.fleet.log.ofProgram()));
    // It joins.
    await vi.advanceTimersByTimeAsync(1);
  }

  #noteUnrecorded(name: string): void {
    const known = this.fleet.topic();
    for (const arrived of this.fleet.arrived.filter(({ by }) => by === name)) {
      const record = known.get(`${arrived.rule}|${arrived.server}`);
      const told = record?.notices.find((notice) => ofNotice(notice) === ofNotice(arrived));
      // A later alert of its rule is there: then the topic has known what became of this one.
      const isOver =
        told === undefined && record !== undefined && record.starts_ms > arrived.startsAtMs;
      if (!isOver && told?.outcomes['ops'] !== 'sent') this.mayRepeat.add(ofNotice(arrived));
    }
  }
}

/** A run takes less than a second; one that does not end within this never will. */
const runMsMax = 40_000;

it('no notification is lost, none is repeated but where its sender could not record that it sent it', async () => {
  const everyStep = fc.array(step, { minLength: 2, maxLength: 9 });
  // How long whoever cannot write into the log waits for its next try.
  const jitter = fc.double({ min: 0.1, max: 1, maxExcluded: true, noNaN: true });
  await fc.assert(
    fc.asyncProperty(everyStep, jitter, async (steps, random) => {
      // Anew for each run: whoever was killed waits for timers still, and would go on in the next.
      vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
      vi.spyOn(Math, 'random').mockReturnValue(random);
      const folders: string[] = [];
      const run = new Run(() => {
        folders.push(mkdtempSync(join(fastFolder, 'windrow-alerts-')));
        return folders.at(-1) ?? '';
      });
      try {
        await run.begin();
        for (const each of steps) await run.step(each);
        await run.end();
        check(run);
      } finally {
        run.close();
        vi.restoreAllMocks();
        vi.useRealTimers();
        for (const folder of folders) rmSync(folder, { recursive: true, force: true });
      }
    }),
    // A failure is told at once, with its seed and steps: smaller ones would take minutes to find.
    { numRuns: 40, endOnFailure: true, plugins: [fc.timeout(runMsMax)] },
  );
}, 120_000);

function check({ fleet, mayRepeat: unrecorded }: Run): void {
  const arrived = fleet.arrived.map(ofNotice);
  const untold = fleet.arrived.filter(({ isUntold }) => isUntold).map(ofNotice);
  const mayRepeat = [...unrecorded, ...untold];
  // What was judged and came into the topic was told.
  const judged = fleet.log
    .records(ALERTS_TOPIC)
    .flatMap(({ value }) => value ?? [])
    .map((value) => JSON.parse(value.toString()) as AlertRecordOnWire)
    .filter(({ fired_ms: firedMs }) => firedMs !== null);
  for (const { id } of judged) {
    expect(arrived).toContain(`${id} firing`);
    expect(arrived).toContain(`${id} resolved`);
  }
  // The first word on an alert is that it fires.
  for (const [i, { id, status }] of fleet.arrived.entries()) {
    if (status === 'resolved') expect(arrived.slice(0, i)).toContain(`${id} firing`);
  }
  const repeated = arrived.filter((notice, i) => arrived.indexOf(notice) !== i);
  expect(mayRepeat).toEqual(expect.arrayContaining(repeated));
}
