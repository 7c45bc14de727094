/**
 * Lifecycle and delivery together, by scripts of thousands of flaps: servers that breach and clear
 * at random, a receiver that is down for an hour, programs that end cleanly or are killed anywhere.
 */
import fc from '../../runtime/testing/property.ts';
import { expect, it } from 'vitest';
import { noonMs } from '../../runtime/testing/manual-clock.ts';
import { seededRandom } from '../../runtime/testing/seeded-random.ts';
import { temporaryFolder } from '../../runtime/testing/temporary-folder.ts';
import { AlertStatements } from '../store/alert-statements.ts';
import { Group } from '../store/group.ts';
import { inTransaction } from '../../runtime/transaction.ts';
import type { AlertNotice } from './alert.ts';
import { deliveriesOf } from './deliveries.ts';
import { AlertBook } from './book.ts';
import type { Notification } from './notifiers/port.ts';
import { step, type Verdict } from './lifecycle.ts';
import { parseAlerts } from './rules/load.ts';
import { restoreAlerts } from './store.ts';
import { type Silence, silencesSchema } from './stages/silence.ts';
import { type DeliveryRig, deliveryRig, down, name } from './testing/delivery-rig.ts';

const slideMs = 10_000;
const servers = Array.from({ length: 20 }, (_, i) => `pc-${i}`);
/** Two hours and some minutes; the receiver is down for one of them. */
const slides = 800;
const downSlides = [200, 560] as const;
const silencedSlides = [500, 620] as const;
const silences = silencesSchema.parse([
  {
    about: 'from before the end of the outage until after it',
    servers: ['pc-1*'],
    from: timeOf(silencedSlides[0]),
    until: timeOf(silencedSlides[1]),
  },
]);

function timeOf(slide: number): string {
  return new Date(noonMs + slide * slideMs).toISOString();
}

const { rules } = parseAlerts(
  `
rules:
  - { name: at-once, about: one, when: cpu_pct.avg > 90, severity: critical }
  - { name: held, about: two, when: cpu_pct.avg > 80, for: 20s, clear_for: 20s, severity: info }
notifiers: { ${name}: { type: command, command: [none] } }
`,
  'alerts.yaml',
);

/** The collector's part that makes alerts, over the rig's database; a restart makes a new one. */
function startBook(rig: DeliveryRig) {
  let group = new Group();
  const book = new AlertBook({
    group: () => group,
    wallMs: () => rig.clock.wallMs(),
    onChange: () => {},
  });
  for (const record of restoreAlerts(rig.db, rig.clock.wallMs()).records) book.restore(record);
  const statements = new AlertStatements(rig.db);
  return {
    observe(rule: (typeof rules)[number], server: string, verdict: Verdict): void {
      const { forMs, clearForMs } = rule;
      const timing = { forMs, clearForMs, gapMsMax: 3 * slideMs };
      const observation = { atMs: rig.clock.wallMs(), verdict };
      const taken = step(timing, book.state(rule.name, server), observation);
      const cause = { reason: () => 'a script', window: null, processes: () => null };
      book.take(rule, server, taken, cause);
    },
    /** @returns the notices that are queued by it */
    commit(): AlertNotice[] {
      book.checkpoint(group);
      const queued = group.notices.map(({ body }) => JSON.parse(body) as AlertNotice);
      inTransaction(rig.db, () => statements.write(group));
      group = new Group();
      return queued;
    },
  };
}

type Kill = 'before it is sent' | 'before it is written down' | undefined;

interface Outcome {
  readonly queued: AlertNotice[];
  /** In order of arrival. */
  readonly arrived: Notification[];
  /** Keys of what was on its way when the program was killed. */
  readonly interrupted: Set<string>;
}

async function play(
  seed: number,
  silences: readonly Silence[],
): Promise<Outcome & { rig: DeliveryRig }> {
  const rig = deliveryRig(temporaryFolder());
  rig.settings.silences = silences;
  const random = seededRandom(seed);
  const queued: AlertNotice[] = [];
  const interrupted = new Set<string>();
  let book = startBook(rig);
  let kill: Kill;
  const restart = (): void => {
    rig.restart();
    // Programs end here, machines do not: what was written need not be on the disk itself.
    rig.db.exec('PRAGMA synchronous = OFF');
    book = startBook(rig);
  };
  const delivering = async (): Promise<number> => {
    const outgoing = rig.store.outgoing(name);
    if (outgoing === undefined || kill === undefined) return rig.step();
    if (kill === 'before it is written down') {
      // It has arrived, but nobody knows.
      const { key, notices } = outgoing;
      await rig.notifier.send({ key, notices }).catch(() => undefined);
      interrupted.add(key);
    }
    kill = undefined;
    restart();
    return 0;
  };
  restart();
  const verdicts = new Map<string, Verdict>();
  for (let slide = 0; slide < slides; slide += 1) {
    const isDown = slide >= downSlides[0] && slide < downSlides[1];
    rig.notifier.answer = () => (isDown || random() < 0.02 ? down : undefined);
    for (const server of servers) {
      const last = slide > slides - 10;
      if (random() < 0.3 || last) verdicts.set(server, last ? 'clear' : verdictOf(random()));
      for (const rule of rules) book.observe(rule, server, verdicts.get(server) ?? 'clear');
    }
    queued.push(...book.commit());
    if (random() < 0.02) kill = random() < 0.5 ? 'before it is sent' : 'before it is written down';
    if (random() < 0.02) restart();
    await deliverFor(slideMs, delivering, rig);
  }
  await deliverFor(3_600_000, delivering, rig);
  return { rig, queued, arrived: rig.notifier.sent, interrupted };
}

function verdictOf(dice: number): Verdict {
  if (dice < 0.45) return 'breach';
  return dice < 0.9 ? 'clear' : dice < 0.95 ? 'between' : 'unknown';
}

/** What happens in this time, whenever something is due. */
async function deliverFor(
  ms: number,
  delivering: () => Promise<number>,
  rig: DeliveryRig,
): Promise<void> {
  for (let leftMs = ms; leftMs > 0; ) {
    const waitMs = Math.min(await delivering(), leftMs);
    rig.clock.advance(waitMs);
    leftMs -= waitMs;
  }
}

/** What a receiver that knows repeats by their key has had, in order. */
function withoutRepeats(arrived: readonly Notification[]): Notification[] {
  const keys = new Set<string>();
  return arrived.filter(({ key }) => !keys.has(key) && keys.add(key));
}

function toldOf(notification: readonly Notification[]): string[] {
  return notification.flatMap(({ notices }) => notices.map(({ id, status }) => `${id} ${status}`));
}

it('over 10,000 flaps nothing is lost, nothing doubled, and every resolve comes after its firing', async () => {
  let flaps = 0;
  const repeatsSeen = new Set<boolean>();
  await fc.assert(
    fc.asyncProperty(fc.integer(), async (seed) => {
      const { queued, arrived, interrupted } = await play(seed, []);
      flaps += queued.filter(({ status }) => status === 'firing').length;
      const repeats = arrived.filter(({ key }, i) => arrived.findIndex((n) => n.key === key) < i);
      for (const repeat of repeats) {
        repeatsSeen.add(true);
        // Only what was on its way when the program was killed, and then the same again.
        expect(interrupted).toContain(repeat.key);
        expect(repeat).toEqual(arrived.find(({ key }) => key === repeat.key));
      }
      const told = toldOf(withoutRepeats(arrived));
      expect(told.toSorted()).toEqual(queued.map(({ id, status }) => `${id} ${status}`).toSorted());
      expectAlternating(told);
    }),
    { numRuns: 7 },
  );
  expect(flaps).toBeGreaterThan(10_000);
  expect(repeatsSeen).toEqual(new Set([true]));
}, 120_000);

/** Each firing once, and its resolve once and after it. */
function expectAlternating(told: readonly string[]): void {
  const seen = new Set<string>();
  for (const notice of told) {
    const [id = '', status] = notice.split(' ');
    expect(seen.has(notice), `${notice} once`).toBe(false);
    if (status === 'resolved') expect(seen.has(`${id} firing`), notice).toBe(true);
    seen.add(notice);
  }
}

it('with a silence, every resolve told has its firing told, and nothing is lost but what was silenced', async () => {
  const silencedSeen: number[] = [];
  await fc.assert(
    fc.asyncProperty(fc.integer(), async (seed) => {
      const { rig, queued, arrived } = await play(seed, silences);
      const told = toldOf(withoutRepeats(arrived));
      expectAlternating(told);
      const untold = queued.filter(({ id, status }) => !told.includes(`${id} ${status}`));
      silencedSeen.push(untold.length);
      for (const { id, server } of untold) {
        expect(server).toMatch(/^pc-1/);
        const outcomes = deliveriesOf(rig.db, id).map((row) => `${row.status} ${row.outcome}`);
        expect(outcomes).toEqual(['firing silenced', 'resolved not needed']);
      }
    }),
    { numRuns: 2 },
  );
  expect(Math.min(...silencedSeen)).toBeGreaterThan(100);
}, 120_000);
