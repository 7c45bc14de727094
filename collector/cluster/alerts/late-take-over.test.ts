/** A collector judges, stores, and is killed before it tells; minutes pass before anybody goes on. */
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { ALERTS_TOPIC } from '../../../wire/records/alert-record.ts';
import { type AlertFleet, alertFleet, serverIn } from './testing/fleet.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
});
afterEach(() => {
  vi.useRealTimers();
});

const server = serverIn(0);
const hot = { [server]: 99 };
const idle = { [server]: 1 };
/** Longer than a window is of now, also one of the fleet. */
const awaySeconds = 400;

const FLEET_RULE = `
rules:
  - { name: cpu, about: All are busy., of: fleet, when: cpu_pct.avg > 90, for: 20s, severity: critical }
notifiers:
  ops: { type: command, command: [notify] }
`;

/** It has judged that the alert fires, and stored that; nobody was told, and nothing is in the log. */
async function untold(fleet: AlertFleet): Promise<void> {
  const one = fleet.start('one');
  fleet.receiver.isDown = true;
  await fleet.run(40, idle);
  while (!one.alerts.some((step) => step.startsWith('firing cpu'))) {
    fleet.log.failSends(1_000_000);
    await fleet.run(1, hot);
  }
  one.kill();
  fleet.log.failSends(0);
  fleet.receiver.isDown = false;
  expect(fleet.log.records(ALERTS_TOPIC).some(({ value }) => isFiring(value))).toBe(false);
}

function isFiring(value: Buffer | undefined): boolean {
  return value !== undefined && (JSON.parse(String(value)) as { kind: string }).kind === 'firing';
}

const statuses = ({ arrived }: AlertFleet) => arrived.map(({ status, by }) => `${status} by ${by}`);

it.each([
  ['a server’s', undefined],
  ['the fleet’s', FLEET_RULE],
])(
  'what breaches still when another takes over after minutes is told once: %s',
  async (_, rules) => {
    const fleet = alertFleet(rules);
    await untold(fleet);
    await fleet.run(awaySeconds, hot);
    const two = fleet.start('two');
    await fleet.run(120, hot);
    expect(statuses(fleet)).toEqual(['firing by two']);
    // What the first one had stored of it is another's by now.
    await two.stop();
    fleet.start('one');
    await fleet.run(60, hot);
    expect(statuses(fleet)).toEqual(['firing by two']);
    await fleet.run(120, idle);
    expect(statuses(fleet)).toEqual(['firing by two', 'resolved by one']);
  },
);

it('whoever comes back itself after minutes tells what it had stored, also what is over by now', async () => {
  const fleet = alertFleet();
  await untold(fleet);
  await fleet.run(awaySeconds, idle);
  fleet.start('one');
  await fleet.run(120, idle);
  expect(statuses(fleet)).toEqual(['firing by one', 'resolved by one']);
});

it('what was over before another took over after minutes is told by nobody', async () => {
  const fleet = alertFleet();
  await untold(fleet);
  await fleet.run(awaySeconds, idle);
  fleet.start('two');
  await fleet.run(120, idle);
  expect(statuses(fleet)).toEqual([]);
});
