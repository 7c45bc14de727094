/** Files through Kafka by the real programs: several senders, several receivers, and what happens to them. */
import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { TransfersView } from '../../blocks/transfers-view.ts';
import type { KafkaCluster } from '../../scripts/kafka/cluster.ts';
import { eventually as within, getJson } from '../support/http.ts';
import { commandOf, startCollector, startVerb, tempDir, type Verb } from '../support/programs.ts';
import { kafkaMissing, recordsIn, startCluster } from './support/kafka.ts';

const MiB = 1024 * 1024;
/** Programs start, members of a group are missed, and others take over, beside other tests. */
const waitMsMax = 90_000;
const testMsMax = 4 * waitMsMax;

function folder(): string {
  const made = tempDir();
  onTestFinished(() => made[Symbol.dispose]());
  return made.path;
}

function eventually(check: () => void): Promise<void> {
  return within(async () => check(), waitMsMax);
}

interface Receiving extends Verb {
  readonly out: string;
  blocks(): number;
}

/** In this order: a new group begins with all that is in the topic. */
describe.skipIf(kafkaMissing)('files through Kafka', () => {
  const cleanUp = new AsyncDisposableStack();
  let cluster: KafkaCluster;
  let url: string;

  beforeAll(async () => {
    cluster = cleanUp.use(await startCluster());
    url = `kafka://${cluster.brokers.join(',')}`;
  }, waitMsMax);
  afterAll(() => cleanUp.disposeAsync());

  function receive(machine: string, ...args: string[]): Receiving {
    const out = folder();
    const own = ['--from', url, '--machine-id', machine, '--out', out];
    const verb = startVerb(['receive', ...own, ...args]);
    onTestFinished(() => verb[Symbol.asyncDispose]());
    return { ...verb, out, blocks: () => blocksIn(out).length };
  }

  function send(path: string, machine: string): Verb {
    const args = ['--to', url, '--machine-id', machine, '--data', folder()];
    const verb = startVerb(['send', path, ...args, '--block-size', '1MiB']);
    onTestFinished(() => verb[Symbol.asyncDispose]());
    return verb;
  }

  /** @returns what it showed last */
  function monitor(): () => TransfersView | undefined {
    const [program = '', ...args] = commandOf('collector');
    const child = spawn(program, [...args, 'monitor', '--from', url], {
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
    'a tree arrives assembled, each block goes through the module, and all can be read as the old system wrote it',
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
         export default async ({ file_name, block_number }) =>
           appendFileSync(${JSON.stringify(processed)}, file_name + ' ' + block_number + '\\n');`,
      );
      const collector = await startCollector({ args: ['--kafka', cluster.brokers.join(',')] });
      onTestFinished(() => collector[Symbol.asyncDispose]());
      const watching = monitor();
      await eventually(() => expect(watching()).toBeDefined());
      const args = ['--group', 'trees', '--assemble', '--process', modulePath];
      const receiver = receive('node-4', ...args, '--max-blocks', '6');
      const sender = send(tree, 'd');
      const codes = [await sender.ended(), await receiver.ended()];
      expect(codes, sender.output() + sender.log() + receiver.log()).toEqual([0, 0]);
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
        failed_blocks: 0,
        assigned_partitions: [0, 1, 2, 3, 4, 5],
      });
    },
    testMsMax,
  );

  it(
    'every block of every file is stored, while receivers are killed, added and stopped',
    async () => {
      const group = ['--group', 'fleet'];
      const first = receive('node-1', ...group);
      const second = receive('node-2', ...group);
      const sent = ['one', 'two', 'three'].map((sender) => {
        const path = join(folder(), `${sender}.bin`);
        writeFileSync(path, randomBytes(60.5 * MiB));
        return { path, name: `${sender}_bin`, verb: send(path, sender) };
      });
      await eventually(() => expect(first.blocks()).toBeGreaterThan(3));
      await first.kill();
      const third = receive('node-3', ...group);
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

const BLOCK = /block_(\d+)\.bin$/;

/** The paths of all stored blocks. */
function blocksIn(out: string): string[] {
  return readdirSync(out, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.startsWith('processed_data_') && BLOCK.test(path))
    .map((path) => join(out, path));
}

/** The file's blocks, each from whichever receiver has it. */
function together(outs: readonly string[], name: string): Buffer {
  const byNumber = new Map<number, string>();
  for (const path of outs.flatMap((out) => blocksIn(out))) {
    if (path.includes(`/${name}/`)) byNumber.set(Number(BLOCK.exec(path)?.[1]), path);
  }
  const inOrder = [...byNumber].sort(([one], [other]) => one - other);
  return Buffer.concat(inOrder.map(([, path]) => readFileSync(path)));
}

function sha256Of(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}
