import { expect, it } from 'vitest';
import { createManualClock } from '../../runtime/testing/manual-clock.ts';
import type { BlockCarrier, OutgoingChunk, Taken } from '../../wire/transport/block-port.ts';
import { TimedCarrier } from './timed-carrier.ts';

const { signal: never } = new AbortController();

function chunkOf(bytes: number): OutgoingChunk {
  return { record: {}, payload: new Uint8Array(bytes) } as OutgoingChunk;
}

function scene(more: Pick<BlockCarrier, 'acks'> = {}) {
  const clock = createManualClock();
  const answers: PromiseWithResolvers<Taken>[] = [];
  const carrier = new TimedCarrier(
    {
      target: 'there',
      send() {
        const answer = Promise.withResolvers<Taken>();
        answers.push(answer);
        return answer.promise;
      },
      close: async () => {},
      ...more,
    },
    clock,
  );
  return { clock, carrier, answers };
}

it('time counts while any chunk is on its way, and of several at once one time', async () => {
  const { clock, carrier, answers } = scene();
  const first = carrier.send(chunkOf(10), never);
  clock.advance(100);
  const second = carrier.send(chunkOf(20), never);
  clock.advance(50);
  answers[0]?.resolve({ nextChunk: 1 });
  await first;
  clock.advance(30);
  expect([carrier.takenBytes, carrier.busyMs]).toEqual([10, 180]);
  answers[1]?.resolve({ nextChunk: 1 });
  await second;
  clock.advance(1_000);
  expect([carrier.takenBytes, carrier.busyMs]).toEqual([30, 180]);
});

it('what is not taken takes its time, and is no byte', async () => {
  const { clock, carrier, answers } = scene();
  const sending = carrier.send(chunkOf(10), never);
  clock.advance(40);
  answers[0]?.reject(new Error('away'));
  await expect(sending).rejects.toThrow('away');
  expect([carrier.takenBytes, carrier.busyMs]).toEqual([0, 40]);
});

it('acknowledgments come as they did, where there are any', () => {
  const acks = async function* () {};
  expect(scene({ acks }).carrier.acks).toBe(acks);
  expect(scene().carrier.acks).toBeUndefined();
});
