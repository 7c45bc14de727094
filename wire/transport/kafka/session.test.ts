import { expect, it } from 'vitest';
import { createManualClock } from '../../../runtime/testing/manual-clock.ts';
import { Session, sessionMs } from './session.ts';

const heard = async (): Promise<void> => {};

function scene() {
  const clock = createManualClock();
  return { clock, session: new Session(clock) };
}

it('is open for as long as the group waits for a member, and not before it has answered', async () => {
  const { clock, session } = scene();
  expect(session.isOpen).toBe(false);
  await session.hearing(heard);
  clock.advance(sessionMs - 1);
  expect(session.isOpen).toBe(true);
  clock.advance(1);
  expect(session.isOpen).toBe(false);
  await session.hearing(heard);
  expect(session.isOpen).toBe(true);
});

it('counts from the question, not from the answer that a process found when it went on', async () => {
  const { clock, session } = scene();
  await session.hearing(async () => clock.advance(sessionMs));
  expect(session.isOpen).toBe(false);
});

it('is what it was where the group does not answer', async () => {
  const { clock, session } = scene();
  await session.hearing(heard);
  clock.advance(sessionMs / 2);
  const asking = session.hearing(() => Promise.reject(new Error('no answer')));
  await expect(asking).rejects.toThrow('no answer');
  clock.advance(sessionMs / 2);
  expect(session.isOpen).toBe(false);
});

it('ends while the machine sleeps, though the clock of durations stood still, whatever its other clock is set to', async () => {
  const { clock, session } = scene();
  await session.hearing(heard);
  clock.setWall(clock.wallMs() + sessionMs);
  expect(session.isOpen).toBe(false);
  await session.hearing(heard);
  clock.setWall(clock.wallMs() - 60_000);
  expect(session.isOpen).toBe(true);
  clock.advance(sessionMs);
  expect(session.isOpen).toBe(false);
});
