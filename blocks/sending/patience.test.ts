import { expect, it } from 'vitest';
import { WindrowError } from '../../runtime/errors.ts';
import { createManualClock } from '../../runtime/testing/manual-clock.ts';
import type { OutgoingChunk } from '../../wire/transport/block-port.ts';
import { PatientCarrier } from './patience.ts';

const minuteMs = 60_000;
const { signal } = new AbortController();
const chunk = {} as OutgoingChunk;

/** A receiver that a chunk cannot reach so many times, after each of which so much time has passed. */
function rigOf() {
  const clock = createManualClock();
  const away = { times: 0, eachMs: 0, meanwhile: async () => {} };
  const carrier = new PatientCarrier({
    clock,
    random: () => 0,
    tell: () => {},
    carrier: {
      target: 'there',
      async send(sent) {
        if (away.times === 0 || sent !== chunk) return { nextChunk: 1 };
        away.times -= 1;
        clock.advance(away.eachMs);
        await away.meanwhile();
        throw new WindrowError('unreachable', 'nobody there', { retryable: true });
      },
      close: async () => {},
    },
  });
  return { carrier, clock, away };
}

it('a time without anything to send costs no patience', async () => {
  const { carrier, clock, away } = rigOf();
  clock.advance(6 * minuteMs);
  for (let round = 0; round < 2; round += 1) {
    away.times = 1;
    expect(await carrier.send(chunk, signal)).toEqual({ nextChunk: 1 });
    clock.advance(6 * minuteMs);
  }
});

it('a receiver that was away for less than five minutes, as often as it was, is waited for', async () => {
  const { carrier, away } = rigOf();
  away.eachMs = minuteMs;
  for (let round = 0; round < 3; round += 1) {
    away.times = 6;
    expect(await carrier.send(chunk, signal)).toEqual({ nextChunk: 1 });
  }
});

it('a chunk that does not get through is tried on while others do', async () => {
  const { carrier, away } = rigOf();
  const other = {} as OutgoingChunk;
  const meanwhile = async (): Promise<void> => void (await carrier.send(other, signal));
  Object.assign(away, { times: 20, eachMs: minuteMs, meanwhile });
  expect(await carrier.send(chunk, signal)).toEqual({ nextChunk: 1 });
});

it('one that is away for longer is given up', async () => {
  const { carrier, away } = rigOf();
  Object.assign(away, { times: 7, eachMs: minuteMs });
  await expect(carrier.send(chunk, signal)).rejects.toMatchObject({ code: 'unreachable' });
  expect(away.times).toBe(0);
});
