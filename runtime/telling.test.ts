import { expect, it } from 'vitest';
import { WindrowError } from './errors.ts';
import { Telling } from './telling.ts';
import { createManualClock } from './testing/manual-clock.ts';

const graceMs = 3_000;
const lasting = new WindrowError('unreachable', 'nobody there');
const passing = new WindrowError('unreachable', 'it closed', { graceMs });

function scene() {
  const clock = createManualClock();
  const telling = new Telling(clock);
  /** Each failure comes a second after the one before. @returns those that are told */
  const told = (...errors: readonly Error[]): string[] =>
    errors.flatMap((error) => {
      clock.advance(1_000);
      return telling.failed(error) ? [error.message] : [];
    });
  return { telling, told };
}

it('what lasts is told at once and once, and anew when it was over', () => {
  const { telling, told } = scene();
  expect(told(lasting, lasting, lasting)).toEqual(['nobody there']);
  expect([telling.over(), telling.over()]).toEqual([true, false]);
  expect(told(lasting)).toEqual(['nobody there']);
});

it('what may pass is not told when it passes, nor when a better cause shows', () => {
  const { telling, told } = scene();
  expect(told(passing, passing)).toEqual([]);
  expect(telling.over()).toBe(false);
  expect(told(passing, lasting, passing, lasting)).toEqual(['nobody there']);
});

it('what may pass and lasts is told, once', () => {
  const { told } = scene();
  expect(told(passing, passing, passing)).toEqual([]);
  expect(told(passing, passing)).toEqual(['it closed']);
});

it('what may pass has its time anew, after another fault and when all was over', () => {
  const { telling, told } = scene();
  expect(told(passing, passing)).toEqual([]);
  telling.over();
  expect(told(passing, passing, passing)).toEqual([]);
  expect(told(lasting, passing, lasting, lasting, lasting, passing, passing)).toHaveLength(1);
  expect(told(passing, passing)).toEqual(['it closed']);
  const starting = new WindrowError('unreachable', 'it starts', { graceMs });
  expect(told(starting, starting, starting)).toEqual([]);
  expect(told(starting)).toEqual(['it starts']);
});

it('another fault is told, too, and none twice', () => {
  const { told } = scene();
  const other = new Error('not allowed');
  expect(told(lasting, other, lasting, other)).toEqual(['nobody there', 'not allowed']);
});

it('one fault is one, whatever was tried', () => {
  const { told } = scene();
  const failed = (what: string): WindrowError =>
    new WindrowError('unreachable', `${what}: no broker answers`, { fault: 'no broker answers' });
  expect(told(failed('a'), failed('b'), failed('b'))).toEqual(['a: no broker answers']);
});

it('faults that never repeat come to an end', () => {
  const { told } = scene();
  const errors = Array.from({ length: 100 }, (_, no) => new Error(`${no} records too many`));
  expect(told(...errors)).toHaveLength(20);
});
