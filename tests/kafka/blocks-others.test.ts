/** Files through Kafka beside what is not ours: full disks, clients of other makes, and records that are no blocks. */
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ConfigResourceTypes } from 'kafkajs';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { KafkaCluster } from '../../scripts/kafka/cluster.ts';
import { decodeBlockAck } from '../../wire/records/block-ack.ts';
import { receiversGroup } from '../../wire/transport/kafka/block-use.ts';
import { rebalanceMs } from '../../wire/transport/kafka/membership.ts';
import { receivedFile } from '../support/blocks.ts';
import { eventually as within } from '../support/http.ts';
import { run } from '../support/programs.ts';
import { mayMount, smallDisk } from '../support/small-disk.ts';
import {
  acknowledging,
  type ForeignFile,
  messagesOf,
  produce,
  transferIdOf,
} from './support/block-client.ts';
import { sendBomb } from './support/bomb.ts';
import {
  folder,
  MiB,
  receive,
  type Receiving,
  send,
  sha256Of,
  untilJoined,
} from './support/files.ts';
import { kafkaJs, kafkaMissing, recordsIn, startCluster, withAdmin } from './support/kafka.ts';

/** Programs start, and members of a group are missed, beside other tests. */
const waitMsMax = 60_000;
const testMsMax = 6 * waitMsMax;

function eventually(check: () => void | Promise<void>): Promise<void> {
  return within(async () => check(), waitMsMax);
}

describe.skipIf(kafkaMissing)('on one broker', () => {
  const cleanUp = new AsyncDisposableStack();
  let brokers: KafkaCluster['brokers'];

  beforeAll(async () => {
    ({ brokers } = cleanUp.use(await startCluster()));
  }, testMsMax);
  afterAll(() => cleanUp.disposeAsync());

  /** All acknowledgments of a file that there are. */
  async function acksOf(fileName: string) {
    const records = await recordsIn(brokers, 'block-acknowledgments');
    return records
      .map(({ value }) => decodeBlockAck(value ?? undefined))
      .flatMap((decoded) => (decoded.kind === 'ack' ? decoded.ack : []))
      .filter(({ file_name: name }) => name === fileName);
  }

  async function doctor(program: 'agent' | 'collector') {
    const args = ['doctor', '--kafka', brokers.join(','), '--data', folder()];
    const { code, stdout } = await run(program, args);
    const lines = stdout.split('\n');
    const at = lines.findIndex((line) => /^\w+ +files /.test(line));
    return { code, line: lines[at], below: lines[at + 1] ?? '' };
  }

  it('doctor: without their topics files are no trouble', async () => {
    expect(await doctor('agent')).toMatchObject({
      code: 0,
      line: 'OK    files     no topics yet: they are made with the first file',
    });
  });

  // The first that writes: a new group begins with all that is in the topic.
  it.skipIf(!mayMount())(
    'a full disk: the receiver acknowledges nothing, and all goes on when there is room',
    async () => {
      const disk = smallDisk(64 * 1024);
      onTestFinished(() => disk[Symbol.dispose]());
      const receiver = receive(brokers, { machine: 'small', out: disk.path });
      await untilJoined(brokers, receiversGroup);
      disk.fill();
      const bytes = randomBytes(4 * MiB);
      const path = join(folder(), 'waits.bin');
      writeFileSync(path, bytes);
      const sender = send(brokers, path, { machine: 'desk' });
      await eventually(() => expect(receiver.log()).toContain('disk of received files is full'));
      expect(await acksOf('waits.bin')).toEqual([]);
      expect(sender.endedByItself()).toBeUndefined();
      disk.makeRoom();
      expect(await sender.ended(), sender.log() + receiver.log()).toBe(0);
      expect(receivedFile(disk.path, 'waits_bin').equals(bytes)).toBe(true);
      expect((await acksOf('waits.bin')).map(({ success }) => success)).toEqual(
        Array.from({ length: 4 }, () => true),
      );
      expect(await receiver.stop()).toBe(0);
    },
    testMsMax,
  );

  it(
    'of two receivers of one name the first ends, with what to do',
    async () => {
      const names = ['--group', 'names'];
      const first = receive(brokers, { machine: 'same' }, ...names);
      await untilJoined(brokers, 'names');
      const second = receive(brokers, { machine: 'same' }, ...names);
      expect(await first.ended(), first.log()).toBe(78);
      expect(first.log()).toContain('--machine-id');
      expect(await second.stop(), second.log()).toBe(0);
    },
    testMsMax,
  );

  it(
    'one that joins waits for no block that is with a person’s module elsewhere, and a stop ends that',
    async () => {
      const begun = join(folder(), 'begun');
      const modulePath = join(folder(), 'module.mjs');
      writeFileSync(
        modulePath,
        `import { writeFileSync } from 'node:fs';
         export default () => new Promise(() => writeFileSync(${JSON.stringify(begun)}, ''));`,
      );
      const tree = folder();
      for (let no = 0; no < 32; no += 1) writeFileSync(join(tree, `joined-${no}`), randomBytes(99));
      const group = ['--group', 'joined'];
      const slow = receive(brokers, { machine: 'slow' }, ...group, '--process', modulePath);
      const sender = send(brokers, tree, { machine: 'desk' });
      await eventually(() => expect(existsSync(begun)).toBe(true));
      const quick = receive(brokers, { machine: 'quick' }, ...group);
      await eventually(() => expect(quick.log()).toContain('reached Kafka'));
      const fromMs = performance.now();
      await eventually(() => expect(quick.blocks()).toBeGreaterThan(0));
      // The group would give up a member that waits for its block.
      expect(performance.now() - fromMs).toBeLessThan(rebalanceMs);
      // Ended from outside it would have another code.
      expect(await slow.stop(), slow.log()).toBe(0);
      expect(await sender.ended(), sender.log()).toBe(0);
      expect(await quick.stop()).toBe(0);
    },
    testMsMax,
  );

  it(
    'what a kafkajs program sends is received, verified and put together',
    async () => {
      const receiver = receive(brokers, { machine: 'node-1' }, '--group', 'one', '--assemble');
      const file = foreignFile('logs/foreign.log', 2.5 * MiB);
      const empty = foreignFile('logs/empty', 0);
      await eventually(() => expect(receiver.log()).toContain('Kafka'));
      await produce(brokers, 'data-blocks', [...messagesOf(file), ...messagesOf(empty)]);
      for (const { path, content } of [file, empty]) {
        const whole = join(receiver.out, 'assembled', path);
        await eventually(() => expect(sha256Of(readFileSync(whole))).toBe(sha256Of(content)));
      }
      expect(receivedFile(receiver.out, 'foreign_log').equals(file.content)).toBe(true);
      // A block is acknowledged after it is stored.
      await eventually(async () => {
        const acks = await acksOf('foreign.log');
        expect(new Set(acks.map(({ block_number: block }) => block))).toEqual(new Set([0, 1, 2]));
        expect(acks[0]).toMatchObject({ machine_id: 'node-1', success: true });
      });
    },
    testMsMax,
  );

  it(
    'an old consumer acknowledges in five fields: what it has is done, what it refuses is sent again',
    async () => {
      const path = join(folder(), 'old.bin');
      writeFileSync(path, randomBytes(2.5 * MiB));
      await using _ = await acknowledging(
        brokers,
        (name, block, timesBefore) => name !== 'old.bin' || block !== 1 || timesBefore > 0,
      );
      const sender = send(brokers, path, { machine: 'desk' });
      expect(await sender.ended(), sender.log()).toBe(0);
      const lines = sender.output().trim().split('\n');
      const events = lines.map((line) => JSON.parse(line) as { readonly event: string });
      expect(events.filter(({ event }) => event === 'again')).toEqual([
        { event: 'again', path, block: 1, resend: 1, reason: expect.any(String) as string },
      ]);
      expect(events.at(-1)).toMatchObject({ event: 'summary', blocks: 3, resends: 1, failures: 0 });
    },
    testMsMax,
  );

  it(
    'records that are no blocks are counted and passed by; where they say whose they are, it hears why',
    async () => {
      const [good, other] = [foreignFile('good.bin', 1.5 * MiB), foreignFile('bad.bin', 100)];
      const [message] = messagesOf(other);
      if (message === undefined) throw new Error('a block has a message');
      const { key = null, value, headers = {} } = message;
      const header = String(headers['windrow-chunk']);
      const withHeader = (text: string) => ({ key, value, headers: { 'windrow-chunk': text } });
      const unnamed = [
        { value: 'no chunk' },
        { key: 'k', value: null },
        { key, value: Buffer.alloc(0) },
        withHeader('{"v":1'),
      ];
      const named = [
        [withHeader(header.replace('"v":1', '"v":9')), /v: /],
        [withHeader(header.replace('"encoding":"raw"', '"encoding":"zip"')), /encoding/],
        [{ key, value: Buffer.alloc(3), headers }, /raw_bytes/],
        [{ key, value: Buffer.alloc(100, 'x'), headers }, /checksum of a chunk/],
      ] as const;
      const receiver = receive(brokers, { machine: 'node-2' }, '--group', 'two');
      await produce(brokers, 'data-blocks', [...unnamed, ...named.map(([record]) => record)]);
      for (let partition = 0; partition < 6; partition += 1) {
        await sendBomb(brokers, { topic: 'data-blocks', partition });
      }
      await produce(brokers, 'data-blocks', messagesOf(good));
      await eventually(() => expect(isThere(receiver, good)).toBe(true));
      await eventually(async () => {
        const acks = await acksOf('bad.bin');
        const reasons = acks.map(({ reason }) => reason ?? '').join('\n');
        for (const [, reason] of named) expect(reasons).toMatch(reason);
        expect(acks).toHaveLength(named.length);
      });
      const mine = { transfer_id: transferIdOf(other), sender: 'kafkajs', success: false };
      expect(await acksOf('bad.bin')).toEqual(
        named.map(() => expect.objectContaining(mine) as object),
      );
      expect(receiver.endedByItself()).toBeUndefined();
      expect(await receiver.stop(), receiver.log()).toBe(0);
      // The bombs have two records each.
      const unreadable = unnamed.length + named.length - 1 + 6 * 2;
      const summary = receiver.output().trim().split('\n').at(-1) ?? '';
      expect(JSON.parse(summary)).toMatchObject({ malformed: unreadable, failures: 1 });
    },
    testMsMax,
  );

  it(
    'doctor: a topic that does not take a chunk is a warning that says how to mend it',
    async () => {
      await setMessageBytesMax('data-blocks', 500_000);
      await eventually(async () => {
        const found = await doctor('agent');
        expect(found).toMatchObject({ code: 0, line: expect.stringMatching(/^WARN {2}files /) });
        expect(found.below).toMatch(
          /data-blocks: max.message.bytes is 500000, a record may have 998440; kafka-configs.sh .+/,
        );
      });
      await setMessageBytesMax('data-blocks', 1_000_000);
      await eventually(async () => {
        expect(await doctor('agent')).toMatchObject({ line: 'OK    files     3 there' });
      });
      expect(await doctor('collector')).toMatchObject({ line: 'OK    files     2 there' });
    },
    testMsMax,
  );

  async function setMessageBytesMax(name: string, bytes: number): Promise<void> {
    const configEntries = [{ name: 'max.message.bytes', value: `${bytes}` }];
    const resources = [{ type: ConfigResourceTypes.TOPIC, name, configEntries }];
    await withAdmin(kafkaJs(brokers), (admin) =>
      admin.alterConfigs({ validateOnly: false, resources }),
    );
  }
});

function foreignFile(path: string, sizeBytes: number): ForeignFile {
  return { path, content: randomBytes(sizeBytes), sender: 'kafkajs' };
}

function isThere({ out }: Receiving, { path, content }: ForeignFile): boolean {
  const stored = receivedFile(out, path.replaceAll('.', '_'));
  return stored.equals(content);
}
