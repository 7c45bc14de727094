import { expect, it } from 'vitest';
import { silenceOf, silencesSchema } from './silence.ts';

/** Local times of this machine, as `daily` and `days` mean them. 2026-01-16 is a Friday. */
function local(day: number, hour: number, minute = 0): number {
  return new Date(2026, 0, day, hour, minute).getTime();
}

const [friday, saturday, sunday] = [16, 17, 18];
const notice = { rule: 'cpu-high', server: 'lab-3' };

function isSilent(
  silence: Readonly<Record<string, unknown>>,
  atMs = local(friday, 12),
  about = notice,
): boolean {
  const silences = silencesSchema.parse([{ about: 'maintenance', ...silence }]);
  return silenceOf(silences, about, atMs) !== undefined;
}

it.each([
  [{}, true],
  [{ servers: ['lab-*'] }, true],
  [{ servers: ['lab-*'], rules: ['mem-*'] }, false],
  [{ servers: ['office-*', 'lab-3'] }, true],
  [{ servers: ['lab'] }, false],
  [{ servers: ['*3'] }, true],
  [{ servers: ['*a*-*3'] }, true],
  [{ servers: ['l*3*'] }, true],
  [{ servers: ['lab-3*3'] }, false],
  [{ servers: ['lab-?'] }, false],
  [{ servers: ['lab-.'] }, false],
  [{ rules: ['cpu-high'] }, true],
])('%j silences cpu-high on lab-3: %s', (silence, expected) => {
  expect(isSilent(silence)).toBe(expected);
});

it('the fleet has no name: only a silence of all servers is for it', () => {
  const fleet = { rule: 'cpu-high', server: '' };
  expect(isSilent({ servers: ['lab-*'] }, local(friday, 12), fleet)).toBe(false);
  expect(isSilent({ servers: ['*'] }, local(friday, 12), fleet)).toBe(true);
  expect(isSilent({ rules: ['cpu-*'] }, local(friday, 12), fleet)).toBe(true);
});

it('many stars are matched in no time', () => {
  const servers = ['*a'.repeat(60)];
  const long = { rule: 'r', server: 'a'.repeat(59) + 'b'.repeat(10_000) };
  expect(isSilent({ servers }, local(friday, 12), long)).toBe(false);
});

it('from and until bound it, the end not included', () => {
  const [from, until] = ['2026-08-01T18:00:00Z', '2026-08-02T07:00:00Z'];
  const silence = { from, until };
  expect(isSilent(silence, Date.parse(from) - 1)).toBe(false);
  expect(isSilent(silence, Date.parse(from))).toBe(true);
  expect(isSilent(silence, Date.parse(until) - 1)).toBe(true);
  expect(isSilent(silence, Date.parse(until))).toBe(false);
});

it.each([
  [{ daily: '12:00-13:30' }, local(friday, 11, 59), false],
  [{ daily: '12:00-13:30' }, local(friday, 12), true],
  [{ daily: '12:00-13:30' }, local(friday, 13, 29), true],
  [{ daily: '12:00-13:30' }, local(friday, 13, 30), false],
  [{ daily: '18:00-07:00' }, local(friday, 18), true],
  [{ daily: '18:00-07:00' }, local(friday, 0), true],
  [{ daily: '18:00-07:00' }, local(friday, 6, 59), true],
  [{ daily: '18:00-07:00' }, local(friday, 7), false],
  [{ days: ['sat', 'sun'] }, local(friday, 23, 59), false],
  [{ days: ['sat', 'sun'] }, local(saturday, 0), true],
  [{ days: ['sat', 'sun'] }, local(sunday, 23, 59), true],
  // A night belongs to the day on which it began.
  [{ daily: '18:00-07:00', days: ['fri'] }, local(friday, 6), false],
  [{ daily: '18:00-07:00', days: ['fri'] }, local(friday, 18), true],
  [{ daily: '18:00-07:00', days: ['fri'] }, local(saturday, 6, 59), true],
  [{ daily: '18:00-07:00', days: ['fri'] }, local(saturday, 18), false],
  [{ daily: '18:00-07:00', days: ['sat'] }, local(sunday, 3), true],
])('%j at %i is active: %s', (silence, atMs, expected) => {
  expect(isSilent(silence, atMs)).toBe(expected);
});

it.each([
  [{ daily: '18:00' }, 'two different times of day'],
  [{ daily: '18:00-18:00' }, 'two different times of day'],
  [{ daily: '24:00-07:00' }, 'two different times of day'],
  [{ days: ['saturday'] }, 'Invalid option'],
  [{ from: 'tomorrow' }, 'must be a time such as'],
  [{ from: '2026-08-02T00:00:00Z', until: '2026-08-01T00:00:00Z' }, 'must be later than from'],
  [{ servers: [] }, 'Too small'],
  [{ servers: ['two words'] }, 'must be a name'],
  [{ until: '2026-08-02T00:00:00Z', until_: 1 }, 'Unrecognized key'],
])('%j is refused: %s', (silence, message) => {
  const { error } = silencesSchema.safeParse([{ about: 'maintenance', ...silence }]);
  expect(error?.issues[0]?.message).toContain(message);
});
