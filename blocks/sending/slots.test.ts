import { expect, it } from 'vitest';
import { Slots } from './slots.ts';

const { signal: never } = new AbortController();

it('no more than so many are taken, and who waits longest is next', async () => {
  const slots = new Slots(1);
  const order: string[] = [];
  const giveBack = await slots.take(never);
  const waiting = ['first', 'second'].map(async (name) => {
    const giveBackOwn = await slots.take(never);
    order.push(name);
    giveBackOwn();
  });
  await Promise.resolve();
  expect(order).toEqual([]);
  giveBack();
  await Promise.all(waiting);
  expect(order).toEqual(['first', 'second']);
});

it('giving back twice gives back once', async () => {
  const slots = new Slots(1);
  const giveBack = await slots.take(never);
  giveBack();
  giveBack();
  await slots.take(never);
  const stop = AbortSignal.timeout(1);
  await expect(slots.take(stop)).rejects.toMatchObject({ code: 'aborted' });
});

it('who gave up waiting takes no turn from the others', async () => {
  const slots = new Slots(1);
  const giveBack = await slots.take(never);
  const stopping = new AbortController();
  const gaveUp = slots.take(stopping.signal);
  const next = slots.take(never);
  stopping.abort();
  await expect(gaveUp).rejects.toMatchObject({ code: 'aborted' });
  giveBack();
  await next;
});
