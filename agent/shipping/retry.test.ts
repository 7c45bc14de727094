import { expect, it } from 'vitest';
import { WindrowError } from '../../runtime/errors.ts';
import { createKeptLog } from '../../runtime/testing/kept-log.ts';
import { createManualClock } from '../../runtime/testing/manual-clock.ts';
import { Retry } from './retry.ts';

const closed = new WindrowError('unreachable', 'it closed', { retryable: true, graceMs: 3_000 });
const away = new WindrowError('unreachable', 'nobody there', { retryable: true });
const denied = new WindrowError('unauthorized', 'wrong password', { retryable: true });

function scene() {
  const clock = createManualClock();
  const { log, lines } = createKeptLog();
  const facts = () => ({});
  const options = { clock, log, facts, what: 'samples', backMessage: 'back', random: () => 0.5 };
  const retry = new Retry(options);
  /** A second after the one before. */
  const fails = (...errors: readonly Error[]): void => {
    for (const error of errors) {
      retry.failed(error);
      clock.advance(1_000);
    }
  };
  return { clock, retry, fails, messages: () => lines.map(({ msg }) => msg) };
}

it('what passes soon is not told, and neither is that it is over', () => {
  const { retry, fails, messages } = scene();
  fails(closed, closed);
  retry.worked();
  expect(messages()).toEqual([]);
});

it('of what may pass and what shows behind it one line is told', () => {
  const { retry, fails, messages } = scene();
  fails(closed, away, closed, closed, closed, away, closed);
  retry.worked();
  expect(messages()).toEqual(['nobody there; samples wait', 'back']);
});

it('what may pass and lasts is told', () => {
  const { fails, messages } = scene();
  fails(closed, closed, closed, closed, closed);
  expect(messages()).toEqual(['it closed; samples wait']);
});

it('first away, then a wrong password: both are told at once, and each once', () => {
  const { retry, fails, messages } = scene();
  fails(away, away, denied, away, denied);
  expect(messages()).toEqual(['nobody there; samples wait', 'wrong password; samples wait']);
  retry.worked();
  expect(messages().at(-1)).toBe('back');
});

it('what goes on is told again five minutes after the last line', () => {
  const { clock, fails, messages } = scene();
  fails(away);
  clock.advance(4 * 60_000);
  fails(denied);
  clock.advance(4 * 60_000);
  fails(denied);
  expect(messages()).toHaveLength(2);
  clock.advance(60_000);
  fails(denied, denied);
  expect(messages().slice(2)).toEqual(['wrong password; samples wait']);
});
