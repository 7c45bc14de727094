/** A file that is named beside the folder that holds it, while both are on their way. */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { blockBytesMin } from '../../wire/limits.ts';
import type { BlockCarrier } from '../../wire/transport/block-port.ts';
import { Pipeline } from './pipeline/pipeline.ts';
import { MemoryReceiver } from './testing/memory-receiver.ts';
import { expectWhole, received, type Rig, senderRig, told } from './testing/sender-rig.ts';

const fileBytes = 2.5 * blockBytesMin;

let pipeline: Pipeline;
beforeAll(async () => {
  pipeline = await Pipeline.open({ engine: 'openssl', workers: 1 });
});
afterAll(() => pipeline.close());

/** Chunks of a path wait for what it waits for; a stop ends all waiting. */
function holding(
  receiver: MemoryReceiver,
  waits: Readonly<Record<string, Promise<void>>>,
): BlockCarrier {
  return {
    target: receiver.target,
    async send(chunk, signal) {
      const isStopped = new Promise((resolve) => signal.addEventListener('abort', resolve));
      await Promise.race([waits[chunk.record.path], isStopped]);
      return receiver.send(chunk, signal);
    },
    close: async () => {},
  };
}

/** When the file has begun under its own name. */
function begunBy(rig: Rig, name: string): Promise<void> {
  return new Promise((resolve) => {
    rig.onEvent = (event) => {
      if (event.kind === 'begun' && event.transfer.file.relativePath === name) resolve();
    };
  });
}

it('a file that is named by two paths is sent by both, while both are on their way', async () => {
  const rig = senderRig(pipeline, { a: randomBytes(fileBytes), b: randomBytes(10) });
  const receiver = new MemoryReceiver();
  const carrier = holding(receiver, { [`${basename(rig.folder)}/a`]: begunBy(rig, 'a') });
  await rig.send(carrier, { paths: [rig.folder, join(rig.folder, 'a')] });
  expect(told(rig, 'done').sort()).toEqual(['a', 'a', 'b']);
  expectWhole(rig, receiver, 'a');
  expect(received(receiver, 'a').equals(readFileSync(join(rig.folder, 'a')))).toBe(true);
  const { readBytes } = pipeline.done;
  await rig.send(receiver);
  expect(pipeline.done.readBytes).toBe(readBytes);
});

it('what is acknowledged by one path is not taken for what was to come by the other', async () => {
  const rig = senderRig(pipeline, { a: randomBytes(fileBytes) });
  const paths = [rig.folder, join(rig.folder, 'a')];
  const receiver = new MemoryReceiver();
  const stopping = new AbortController();
  const begun = begunBy(rig, 'a');
  const { onEvent } = rig;
  rig.onEvent = (event) => {
    onEvent(event);
    if (event.kind === 'done') stopping.abort();
  };
  const never = new Promise<void>(() => {});
  const carrier = holding(receiver, { [`${basename(rig.folder)}/a`]: begun, a: never });
  await expect(rig.send(carrier, { paths, signal: stopping.signal })).rejects.toMatchObject({
    code: 'aborted',
  });
  rig.onEvent = () => {};
  expectWhole(rig, receiver, 'a');
  await rig.send(receiver, { paths: [join(rig.folder, 'a')] });
  expect(received(receiver, 'a').equals(readFileSync(join(rig.folder, 'a')))).toBe(true);
});
