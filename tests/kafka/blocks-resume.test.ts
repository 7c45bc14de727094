/** Files through Kafka when a sender is killed, a disk is full, or a block is never good: by the real programs. */
import { randomBytes } from 'node:crypto';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { KafkaCluster } from '../../scripts/kafka/cluster.ts';
import { BLOCK_ACKS_TOPIC, type BlockAck } from '../../wire/records/block-ack.ts';
import { DATA_BLOCKS_TOPIC } from '../../wire/records/block-chunk.ts';
import { eventually as within } from '../support/http.ts';
import type { Verb } from '../support/programs.ts';
import { mayMount, smallDisk } from '../support/small-disk.ts';
import {
  folder,
  MiB,
  receive,
  type Receiving,
  send,
  takeAway,
  together,
  untilJoined,
} from './support/files.ts';
import { kafkaMissing, recordsIn, startCluster } from './support/kafka.ts';

/** Programs start, a group is joined, and a disk is tried again, beside other tests. */
const waitMsMax = 90_000;
const testMsMax = 6 * waitMsMax;

function eventually(check: () => void): Promise<void> {
  return within(async () => check(), waitMsMax);
}

interface Line {
  readonly event: string;
  readonly [key: string]: unknown;
}

function linesOf(verb: Verb): Line[] {
  return verb
    .output()
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Line);
}

function madeFile(
  name: string,
  bytes: number,
): { readonly path: string; readonly content: Buffer } {
  const file = { path: join(folder(), name), content: randomBytes(bytes) };
  writeFileSync(file.path, file.content);
  return file;
}

/** For `--process`. @param text of the function that gets each block */
function moduleOf(text: string): string {
  const path = join(folder(), 'module.mjs');
  writeFileSync(path, `import { existsSync } from 'node:fs';\nexport default ${text};\n`);
  return path;
}

/** Numbers of the blocks that this sender's journal has as acknowledged. */
function acknowledgedIn(data: string): number[] {
  const path = join(data, 'agent', 'transfers.db');
  if (!existsSync(path)) return [];
  const db = new DatabaseSync(path, { readOnly: true, timeout: 1_000 });
  try {
    const rows = db.prepare('SELECT block_number FROM blocks').all();
    return rows.map((row) => Number(row['block_number']));
  } catch {
    // It is being made.
    return [];
  } finally {
    db.close();
  }
}

/** Each test ends its receiver, so that the next one, of the same group, begins behind it. */
describe.skipIf(kafkaMissing)('files through Kafka', () => {
  let cluster: KafkaCluster;

  beforeAll(async () => {
    cluster = await startCluster();
  }, testMsMax);
  afterAll(() => cluster[Symbol.asyncDispose]());

  const receiver = (machine: string, ...args: string[]): Receiving =>
    receive(cluster.brokers, { machine }, '--group', 'resuming', ...args);

  async function acksOf(name: string): Promise<BlockAck[]> {
    const records = await recordsIn(cluster.brokers, BLOCK_ACKS_TOPIC);
    const acks = records.map(({ value }) => JSON.parse(String(value)) as BlockAck);
    return acks.filter(({ file_name: of }) => of === name);
  }

  /** How often the last chunk of each block of that file is in the log, by the block's number. */
  async function copiesOf(name: string): Promise<Map<number, number>> {
    const copies = new Map<number, number>();
    for (const { headers } of await recordsIn(cluster.brokers, DATA_BLOCKS_TOPIC)) {
      const chunk = JSON.parse(String(headers?.['windrow-chunk'])) as {
        readonly file_name: string;
        readonly block_number: number;
        readonly last?: object;
      };
      if (chunk.file_name !== name || chunk.last === undefined) continue;
      copies.set(chunk.block_number, (copies.get(chunk.block_number) ?? 0) + 1);
    }
    return copies;
  }

  it.runIf(mayMount())(
    'a full disk: nothing is acknowledged, and all goes on when there is room',
    async () => {
      using disk = smallDisk(16 * 1024);
      const full = receive(
        cluster.brokers,
        { machine: 'node-full', out: disk.path },
        '--group',
        'resuming',
      );
      await untilJoined(cluster.brokers, 'resuming');
      disk.fill();
      const { path, content } = madeFile('waits.bin', 2.5 * MiB);
      const sender = send(cluster.brokers, path, { machine: 'desk' });
      await eventually(() => expect(full.log()).toContain('is full'));
      expect(full.blocks()).toBe(0);
      expect(await acksOf('waits.bin')).toEqual([]);
      expect(sender.endedByItself()).toBeUndefined();
      disk.makeRoom();
      expect(await sender.ended(), sender.log() + full.log()).toBe(0);
      expect(linesOf(sender).at(-1)).toMatchObject({ blocks: 3, resends: 0, failures: 0 });
      expect(together([full.out], 'waits_bin').equals(content)).toBe(true);
      expect(await full.stop()).toBe(0);
    },
    testMsMax,
  );

  it.runIf(mayMount())(
    'a disk with room for some of the blocks that come by turns: those are stored, and the others when room is made',
    async () => {
      using disk = smallDisk(20 * 1024);
      const taken = folder();
      const small = receive(
        cluster.brokers,
        { machine: 'node-small', out: disk.path },
        '--group',
        'resuming',
      );
      const { path, content } = madeFile('turns.bin', 40 * MiB);
      const sender = send(cluster.brokers, path, { machine: 'desk', blockMiB: 4 });
      // A block that finds no room waits longer each time, a minute by chance.
      await within(async () => {
        takeAway(disk.path, taken);
        expect(sender.endedByItself(), small.log()).toBeDefined();
      }, 3 * waitMsMax);
      expect(await sender.ended(), sender.log() + small.log()).toBe(0);
      expect(linesOf(sender).at(-1)).toMatchObject({ blocks: 10, failures: 0 });
      expect(together([disk.path, taken], 'turns_bin').equals(content)).toBe(true);
      expect(await small.stop()).toBe(0);
    },
    testMsMax,
  );

  it(
    'a block that is never good is sent again five times, is reported as failed, and the sender ends with 1',
    async () => {
      const never = receiver(
        'node-never',
        '--process',
        moduleOf(
          `({ block_number }) => { if (block_number === 1) throw new Error('never good'); }`,
        ),
      );
      const { path } = madeFile('never.bin', 2.5 * MiB);
      const sender = send(cluster.brokers, path, { machine: 'desk' });
      expect(await sender.ended(), sender.log()).toBe(1);
      const lines = linesOf(sender);
      const again = lines.filter(({ event }) => event === 'again');
      expect(again.map(({ block, resend }) => [block, resend])).toEqual(
        [1, 2, 3, 4, 5].map((resend) => [1, resend]),
      );
      expect(lines.filter(({ event }) => event === 'failed')).toMatchObject([
        { path, reason: expect.stringContaining('never good') as string },
      ]);
      expect(lines.at(-1)).toMatchObject({ event: 'summary', files: 0, resends: 5, failures: 1 });
      expect(await copiesOf('never.bin')).toEqual(
        new Map([0, 1, 2].map((no) => [no, no === 1 ? 6 : 1])),
      );
      expect(never.blocks()).toBe(2);
      expect(await never.stop()).toBe(0);
    },
    testMsMax,
  );

  it(
    'a sender that is killed goes on with the blocks that were on their way, and reads no other',
    async () => {
      const blocks = 12;
      const acknowledged = 3;
      const open = join(folder(), 'open');
      const held = receiver(
        'node-held',
        '--process',
        moduleOf(`(() => {
          let come = 0;
          return async () => {
            come += 1;
            if (come <= ${acknowledged}) return;
            while (!existsSync(${JSON.stringify(open)})) await new Promise((go) => setTimeout(go, 20));
          };
        })()`),
      );
      const { path, content } = madeFile('killed.bin', blocks * MiB);
      const data = folder();
      const sender = send(cluster.brokers, path, { machine: 'desk', data });
      await eventually(() => expect(acknowledgedIn(data)).toHaveLength(acknowledged));
      await sender.kill();
      const there = acknowledgedIn(data);
      writeFileSync(open, '');
      const resumed = send(cluster.brokers, path, { machine: 'desk', data });
      expect(await resumed.ended(), resumed.log()).toBe(0);
      const summary = linesOf(resumed).at(-1);
      expect(summary).toMatchObject({ event: 'summary', blocks, resends: 0, failures: 0 });
      expect(Number(summary?.['read_bytes'])).toBeLessThanOrEqual((blocks - there.length) * MiB);
      const copies = await copiesOf('killed.bin');
      expect([...copies.keys()].sort((a, b) => a - b)).toEqual([...Array(blocks).keys()]);
      for (const [block, times] of copies) {
        expect(times, `block ${block}`).toBeLessThanOrEqual(there.includes(block) ? 1 : 2);
      }
      expect(together([held.out], 'killed_bin').equals(content)).toBe(true);
      expect(await held.stop()).toBe(0);
    },
    testMsMax,
  );
});
