/** Files through Kafka by the real programs: several senders, several receivers, and what happens to them. */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { TransfersView } from '../../blocks/transfers-view.ts';
import type { KafkaCluster } from '../../scripts/kafka/cluster.ts';
import { eventually as within, getJson } from '../support/http.ts';
import { commandOf, startCollector } from '../support/programs.ts';
import { folder, MiB, receive, send, sha256Of, together, urlOf } from './support/files.ts';
import { kafkaMissing, recordsIn, startCluster } from './support/kafka.ts';

/** Programs start, members of a group are missed, and others take over, beside other tests. */
const waitMsMax = 90_000;
const testMsMax = 6 * waitMsMax;

function eventually(check: () => void): Promise<void> {
  return within(async () => check(), waitMsMax);
}

/** In this order: a new group begins with all that is in the topic. */
describe.skipIf(kafkaMissing)('files through Kafka', () => {
  const cleanUp = new AsyncDisposableStack();
  let cluster: KafkaCluster;

  beforeAll(async () => {
    cluster = cleanUp.use(await startCluster());
  }, testMsMax);
  afterAll(() => cleanUp.disposeAsync());

  /** @returns what it showed last */
  function monitor(): () => TransfersView | undefined {
    const [program = '', ...args] = commandOf('collector');
    const child = spawn(program, [...args, 'monitor', '--from', urlOf(cluster.brokers)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const closed = once(child, 'close');
    onTestFinished(async () => {
      child.kill();
      await closed;
    });
    let view: TransfersView | undefined;
    createInterface({ input: child.stdout }).on('line', (line) => {
      view = JSON.parse(line) as TransfersView;
    });
    return () => view;
  }

  it(
    'a tree arrives assembled, each block goes through the module, again where that fails, and all can be read as the old system wrote it',
    async () => {
      const tree = join(folder(), 'tree');
      mkdirSync(join(tree, 'deep'), { recursive: true });
      const files = {
        'a.txt': Buffer.alloc(2.5 * MiB, 'text that compresses\n'),
        'deep/b.bin': randomBytes(1.5 * MiB),
        'deep/empty': Buffer.alloc(0),
      };
      for (const [name, bytes] of Object.entries(files)) writeFileSync(join(tree, name), bytes);
      const processed = join(folder(), 'processed');
      const modulePath = join(folder(), 'module.mjs');
      writeFileSync(
        modulePath,
        `import { appendFileSync } from 'node:fs';
         let failures = 0;
         export default async ({ file_name, block_number }) => {
           if (file_name === 'b.bin' && failures++ === 0) throw new Error('not now');
           appendFileSync(${JSON.stringify(processed)}, file_name + ' ' + block_number + '\\n');
         };`,
      );
      const collector = await startCollector({ args: ['--kafka', cluster.brokers.join(',')] });
      onTestFinished(() => collector[Symbol.asyncDispose]());
      const watching = monitor();
      await eventually(() => expect(watching()).toBeDefined());
      const args = ['--group', 'trees', '--assemble', '--process', modulePath];
      const receiver = receive(
        cluster.brokers,
        { machine: 'node-4' },
        ...args,
        '--max-blocks',
        '6',
      );
      const sender = send(cluster.brokers, tree, { machine: 'd' });
      const codes = [await sender.ended(), await receiver.ended()];
      expect(codes, sender.output() + sender.log() + receiver.log()).toEqual([0, 0]);
      expect(sender.output()).toContain('processing failed: not now');
      for (const [name, bytes] of Object.entries(files)) {
        expect(readFileSync(join(receiver.out, 'assembled', 'tree', name)).equals(bytes)).toBe(
          true,
        );
      }
      expect(readFileSync(processed, 'utf8').trim().split('\n').sort()).toEqual([
        'a.txt 0',
        'a.txt 1',
        'a.txt 2',
        'b.bin 0',
        'b.bin 1',
        'empty 0',
      ]);
      const whole = expect.objectContaining({
        file_name: 'a.txt',
        state: 'done',
        blocks: 3,
      }) as unknown;
      const active = expect.objectContaining({
        machine_id: 'node-4',
        active: true,
        blocks: 6,
      }) as unknown;
      await eventually(() => {
        expect(watching()?.transfers).toContainEqual(whole);
        expect(watching()?.machines).toContainEqual(active);
      });
      const late = monitor();
      await eventually(() => expect(late()?.transfers).toContainEqual(whole));
      await within(async () => {
        const shown = await getJson<TransfersView>(`${collector.url}/api/transfers`);
        expect(shown.transfers).toContainEqual(whole);
      }, waitMsMax);
      const acks = await valuesIn('block-acknowledgments');
      expect(acks).toContainEqual(
        expect.objectContaining({
          file_name: 'a.txt',
          block_number: 2,
          machine_id: 'node-4',
          success: true,
          timestamp: expect.any(Number) as number,
        }),
      );
      expect(await valuesIn('processing-status')).toContainEqual({
        machine_id: 'node-4',
        group_id: 'trees',
        blocks_processed: 6,
        total_bytes: 4 * MiB,
        failed_blocks: 1,
        assigned_partitions: [0, 1, 2, 3, 4, 5],
      });
    },
    testMsMax,
  );

  it(
    'every block of every file is stored, while receivers are killed, added and stopped',
    async () => {
      const group = ['--group', 'fleet'];
      const first = receive(cluster.brokers, { machine: 'node-1' }, ...group);
      const second = receive(cluster.brokers, { machine: 'node-2' }, ...group);
      const sent = ['one', 'two', 'three'].map((sender) => {
        const path = join(folder(), `${sender}.bin`);
        writeFileSync(path, randomBytes(60.5 * MiB));
        return {
          path,
          name: `${sender}_bin`,
          verb: send(cluster.brokers, path, { machine: sender }),
        };
      });
      await eventually(() => expect(first.blocks()).toBeGreaterThan(3));
      await first.kill();
      const third = receive(cluster.brokers, { machine: 'node-3' }, ...group);
      await eventually(() => expect(third.blocks()).toBeGreaterThan(3));
      expect(await second.stop()).toBe(0);
      const codes = await Promise.all(sent.map(({ verb }) => verb.ended()));
      expect(codes, sent.map(({ verb }) => verb.output() + verb.log()).join('\n')).toEqual([
        0, 0, 0,
      ]);
      const outs = [first, second, third].map(({ out }) => out);
      for (const { path, name } of sent) {
        expect(sha256Of(together(outs, name))).toBe(sha256Of(readFileSync(path)));
      }
    },
    testMsMax,
  );

  async function valuesIn(topic: string): Promise<unknown[]> {
    const records = await recordsIn(cluster.brokers, topic);
    return records.map(({ value }) => JSON.parse(String(value)) as unknown);
  }
});
