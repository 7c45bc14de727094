/** Files through three brokers, of which some are killed while receivers are killed and added. */
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { DATA_BLOCKS_TOPIC } from '../../wire/records/block-chunk.ts';
import { eventually } from '../support/http.ts';
import { folder, MiB, receive, send, together } from './support/files.ts';
import { kafkaJs, kafkaMissing, startCluster, withAdmin } from './support/kafka.ts';

/** A broker is missed, its partitions get other leaders, and members of a group are missed, beside other tests. */
const waitMsMax = 120_000;
const testMsMax = 4 * waitMsMax;
const group = 'fleet';

/** Each receiver holds blocks from the n-th on at the n-th gate, until that is opened for all. */
function gates(...firstBlocks: number[]) {
  const own = folder();
  const openPath = (gate: number): string => join(own, `open-${gate}`);
  const heldPath = (gate: number, machine: string): string => join(own, `held-${gate}-${machine}`);
  return {
    /** For `--process` of that receiver. */
    module(machine: string): string {
      const path = join(own, `${machine}.mjs`);
      const all = firstBlocks.map((from, gate) => {
        return { from, held: heldPath(gate, machine), open: openPath(gate) };
      });
      writeFileSync(
        path,
        `import { existsSync, watch, writeFileSync } from 'node:fs';
         export default async ({ block_number }) => {
           for (const { from, held, open } of ${JSON.stringify(all)}) {
             if (block_number < from) continue;
             writeFileSync(held, '');
             await isThere(open);
           }
         };
         function isThere(path) {
           return new Promise((resolve) => {
             const watcher = watch(${JSON.stringify(own)}, look);
             function look() {
               if (!existsSync(path)) return;
               watcher.close();
               resolve();
             }
             look();
           });
         }`,
      );
      return path;
    },
    /** One of these receivers has a whole block there, verified and not stored. */
    holds: (gate: number, ...machines: string[]) =>
      eventually(async () => {
        const held = machines.filter((machine) => existsSync(heldPath(gate, machine)));
        expect(held).not.toEqual([]);
      }, waitMsMax),
    open: (gate: number) => writeFileSync(openPath(gate), ''),
  };
}

const sizes: Readonly<Record<string, number>> = {
  large: 8 * MiB + 3,
  'deep/middle': 5.5 * MiB,
  'deep/small': 7,
  'deep/empty': 0,
};

/** @returns its path; each file's name begins with the machine's */
function madeTree(machine: string): string {
  const tree = join(folder(), machine);
  mkdirSync(join(tree, 'deep'), { recursive: true });
  for (const [path, bytes] of Object.entries(sizes)) {
    writeFileSync(pathIn(tree, machine, path), randomBytes(bytes));
  }
  return tree;
}

function pathIn(tree: string, machine: string, path: string): string {
  return join(
    tree,
    path.replace(/[^/]+$/, (name) => `${machine}-${name}`),
  );
}

/** The same tree from what receivers have. */
function rebuilt(machine: string, outs: readonly string[]): string {
  const tree = join(folder(), machine);
  mkdirSync(join(tree, 'deep'), { recursive: true });
  for (const path of Object.keys(sizes)) {
    const name = `${machine}-${path.replace(/.*\//, '')}`;
    writeFileSync(pathIn(tree, machine, path), together(outs, name));
  }
  return tree;
}

function sums(tree: string): string {
  const command = 'find . -type f -print0 | sort -z | xargs -0 sha256sum';
  return execFileSync('sh', ['-c', command], { cwd: tree, encoding: 'utf8' });
}

it.skipIf(kafkaMissing)(
  'brokers are killed, a receiver is killed, another comes: every file of every sender is there, by sha256sum',
  async () => {
    await using cluster = await startCluster({ nodes: 3 });
    const { brokers } = cluster;
    const gate = gates(2, 5);
    const receiver = (machine: string) =>
      receive(brokers, { machine }, '--group', group, '--process', gate.module(machine));
    const first = receiver('node-1');
    const second = receiver('node-2');
    await eventually(async () => {
      const { groups } = await withAdmin(kafkaJs(brokers), (admin) =>
        admin.describeGroups([group]),
      );
      expect(groups).toMatchObject([{ state: 'Stable', members: [{}, {}] }]);
    }, waitMsMax);
    const senders = ['alpha', 'beta'].map((machine) => {
      const tree = madeTree(machine);
      return { machine, tree, verb: send(brokers, tree, { machine }) };
    });
    await gate.holds(0, 'node-1');
    const killed = cluster.nodes[(await leaderOf(0)) - 1];
    await killed?.kill();
    await first.kill();
    const third = receiver('node-3');
    gate.open(0);
    await gate.holds(1, 'node-2', 'node-3');
    await killed?.start(AbortSignal.timeout(waitMsMax));
    await eventually(async () => {
      for (const { isr } of await partitions()) expect(isr).toHaveLength(brokers.length);
    }, waitMsMax);
    await cluster.nodes[(await leaderOf(1)) - 1]?.kill();
    expect(senders.map(({ verb }) => verb.endedByItself())).toEqual([undefined, undefined]);
    gate.open(1);
    const codes = await Promise.all(senders.map(({ verb }) => verb.ended()));
    const told = senders.map(({ verb }) => verb.output() + verb.log()).join('\n');
    expect(codes, told + second.log() + third.log()).toEqual([0, 0]);
    const outs = [first, second, third].map(({ out }) => out);
    for (const { machine, tree } of senders) expect(sums(rebuilt(machine, outs))).toBe(sums(tree));

    async function partitions() {
      const { topics } = await withAdmin(kafkaJs(brokers), (admin) =>
        admin.fetchTopicMetadata({ topics: [DATA_BLOCKS_TOPIC] }),
      );
      return topics[0]?.partitions ?? [];
    }

    async function leaderOf(partition: number): Promise<number> {
      const found = (await partitions()).find(({ partitionId }) => partitionId === partition);
      return found?.leader ?? -1;
    }
  },
  testMsMax,
);
