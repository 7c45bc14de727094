/** What a collector has of files when it is killed, or its disk is full: all that it acknowledged. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import type { IncomingChunk } from '../../blocks/receiving/receiver.ts';
import {
  blocksOf,
  chunksOf,
  contentOf,
  contentOfBlock,
  type MadeFile,
  madeFile,
  mib,
  packed,
} from '../../blocks/receiving/testing/made-file.ts';
import type { TransfersView } from '../../blocks/transfers-view.ts';
import { answering } from '../../runtime/testing/loopback.ts';
import { seededRandom } from '../../runtime/testing/seeded-random.ts';
import { postChunk, sendBlock } from '../support/chunks.ts';
import { type RunningCollector, run, startCollector, tempDir } from '../support/programs.ts';
import { mayMount, smallDisk } from '../support/small-disk.ts';
import { attachStrace } from '../support/strace.ts';
import { missing } from '../support/tools.ts';

// Some starts of a collector, one after the other, several tests at a time.
vi.setConfig({ testTimeout: 150_000 });

async function sendAll(url: string, file: MadeFile): Promise<void> {
  for (let block = 0; block < blocksOf(file); block += 1) {
    expect(await sendBlock(url, file, block)).toMatchObject({
      status: 200,
      ack: { success: true },
    });
  }
}

function blocksFolder(dataDir: string): string {
  return join(dataDir, 'received', `processed_data_${hostname()}`);
}

function expectStored(folder: string, file: MadeFile): void {
  const name = file.path.replaceAll('.', '_');
  for (let block = 0; block < blocksOf(file); block += 1) {
    const path = join(folder, name, `block_000${block}.bin`);
    expect(readFileSync(path).equals(contentOfBlock(file, block))).toBe(true);
    expect(existsSync(path.replace('.bin', '_metadata.json'))).toBe(true);
  }
}

const file = madeFile({ path: 'a.bin', content: contentOf(2 * mib + 77) });

describe.concurrent('a collector that is killed', () => {
  it('in the midst of a block tells that it wants it from its beginning', async () => {
    using dir = tempDir();
    await using before = await startCollector({ dataDir: dir.path });
    const [first, second] = chunksOf(file, 0);
    if (first === undefined || second === undefined) throw new Error('two chunks');
    expect(await postChunk(before.url, first)).toEqual({ status: 200, next_chunk: 1 });
    await before.kill();
    await using after = await startCollector({ dataDir: dir.path });
    expect(await postChunk(after.url, second)).toEqual({ status: 409, next_chunk: 0 });
    expect(readdirSync(join(dir.path, 'received', '.windrow', 'parts'))).toEqual([]);
    await sendAll(after.url, file);
    expectStored(blocksFolder(dir.path), file);
  });

  // Renames of the block and of its metadata; then the second sync of the index's log, the first being for the folder's name.
  it.skipIf(missing('strace')).each([
    ['before the block has its name', ['-e', 'inject=rename:signal=SIGKILL:when=1'], 'rename'],
    ['before its metadata have theirs', ['-e', 'inject=rename:signal=SIGKILL:when=2'], 'rename'],
    ['before the block is noted', ['-e', 'inject=fsync:signal=SIGKILL:when=2'], 'received.db-wal'],
  ])('%s has the block once, when it is sent again', async (_, inject, what) => {
    using dir = tempDir();
    await using before = await startCollector({ dataDir: dir.path });
    const wal = join(dir.path, 'received', '.windrow', what);
    const only = what === 'rename' ? [] : ['-P', wal];
    const letGo = await attachStrace(before.pid, [...only, ...inject, '-o', '/dev/null']);
    await expect(sendBlock(before.url, file, 0)).rejects.toThrow();
    await letGo();
    await before.kill();
    await using after = await startCollector({ dataDir: dir.path });
    await sendAll(after.url, file);
    expectStored(blocksFolder(dir.path), file);
    expect(readdirSync(blocksFolder(dir.path))).toEqual(['a_bin']);
  });

  it('again and again, at any moment, has every block that it acknowledged', async () => {
    using dir = tempDir();
    const random = seededRandom(11);
    const files = [1, 2, 3].map((seed) =>
      madeFile({ path: `${seed}.bin`, content: contentOf(3 * mib, seed) }),
    );
    const blocks = files.flatMap((made) =>
      Array.from({ length: blocksOf(made) }, (_, block) => ({ made, block })),
    );
    const acknowledged = new Set<string>();
    for (let kill = 0; kill < 5; kill += 1) {
      await using collector = await startCollector({ dataDir: dir.path });
      const answersMax = 1 + Math.floor(random() * 12);
      let answers = 0;
      const { promise: enough, resolve } = Promise.withResolvers<void>();
      const senders = [0, 1, 2].map(async (lane) => {
        for (const { made, block } of blocks.filter((_, no) => no % 3 === lane)) {
          for (const chunk of chunksOf(made, block)) {
            const { ack } = await postChunk(collector.url, chunk);
            if (ack?.success === true) acknowledged.add(`${made.transferId}/${block}`);
            answers += 1;
            if (answers >= answersMax) resolve();
          }
        }
      });
      const ended = Promise.allSettled(senders);
      await Promise.race([enough, ended]);
      await collector.kill();
      await ended;
    }
    await using collector = await startCollector({ dataDir: dir.path });
    for (const { made, block } of blocks) {
      const { ack } = await sendBlock(collector.url, made, block);
      expect(ack?.success).toBe(true);
      if (acknowledged.has(`${made.transferId}/${block}`)) expect(ack?.duplicate).toBe(true);
    }
    expect(acknowledged.size).toBeGreaterThan(0);
    expect(readdirSync(blocksFolder(dir.path)).sort()).toEqual(['1_bin', '2_bin', '3_bin']);
    for (const made of files) expectStored(blocksFolder(dir.path), made);
  });
});

describe.runIf(mayMount())('a full disk', () => {
  async function onSmallDisk(path: string): Promise<RunningCollector> {
    return startCollector({ env: { WINDROW_BLOCKS_FOLDER: join(path, 'received') } });
  }

  it('acknowledges nothing, and all goes on when there is room', async () => {
    using disk = smallDisk(12 * 1024);
    await using collector = await onSmallDisk(disk.path);
    const [first, second] = chunksOf(file, 0);
    if (first === undefined || second === undefined) throw new Error('two chunks');
    expect(await postChunk(collector.url, first)).toEqual({ status: 200, next_chunk: 1 });
    disk.fill();
    // The block that is open waits for room; another is not begun.
    expect(await postChunk(collector.url, second)).toEqual({ status: 507 });
    expect(await postChunk(collector.url, second)).toEqual({ status: 507 });
    expect(await sendBlock(collector.url, file, 1)).toEqual({ status: 507 });
    expect(existsSync(blocksFolder(disk.path))).toBe(false);
    disk.makeRoom();
    expect(await postChunk(collector.url, second)).toMatchObject({
      status: 200,
      ack: { success: true },
    });
    await sendAll(collector.url, file);
    expectStored(blocksFolder(disk.path), file);
  });

  it('keeps its last twentieth', async () => {
    using disk = smallDisk(8 * 1024);
    await using collector = await onSmallDisk(disk.path);
    const large = madeFile({ path: 'large', content: contentOf(8 * mib) });
    const statuses: number[] = [];
    for (let block = 0; block < 8; block += 1) {
      statuses.push((await sendBlock(collector.url, large, block)).status);
    }
    expect(statuses).toEqual([200, 200, 200, 200, 200, 200, 200, 507]);
  });
});

it.each([
  ['stored', (chunk: IncomingChunk) => chunk],
  ['compressed', packed],
])('four blocks at once, %s, take no memory of their size', async (_, prepare) => {
  await using collector = await startCollector();
  const blockBytes = 48 * mib;
  const content = Buffer.alloc(4 * blockBytes);
  const large = madeFile({ path: 'large', content, blockBytes });
  const answers = await Promise.all(
    [0, 1, 2, 3].map((block) => sendBlock(collector.url, large, block, prepare)),
  );
  expect(answers.filter(({ ack }) => ack?.success)).toHaveLength(4);
  const status = readFileSync(`/proc/${collector.pid}/status`, 'utf8');
  const highestBytes = Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1]) * 1024;
  expect(highestBytes).toBeLessThan(200 * mib);
});

describe('monitor', () => {
  /** It goes on until nobody reads what it writes. */
  const firstLine = ['bash', '-c', '"$@" | head -n 1', 'bash'];

  it('writes what the collector of this machine, or at an address, knows, a line of JSON each second', async () => {
    await using collector = await startCollector();
    await sendBlock(collector.url, file, 2);
    const finished = await Promise.all(
      [
        ['--data', collector.dataDir],
        ['--to', collector.url],
      ].map((args) => run('collector', ['monitor', ...args], { under: firstLine })),
    );
    for (const { stdout } of finished) {
      const [line = ''] = stdout.split('\n');
      const view = JSON.parse(line) as TransfersView;
      const machines = view.machines.toSorted((a, b) => a.role.localeCompare(b.role));
      expect({ ...view, machines }).toMatchObject({
        machines: [
          { machine_id: hostname(), role: 'receiver', active: true, blocks: 1 },
          { machine_id: 'desk-12', role: 'sender', active: true, blocks: 1 },
        ],
        transfers: [{ file_name: 'a.bin', sender: 'desk-12', blocks: 1, total_blocks: 3 }],
      });
    }
  });

  it('ends with a sentence when what answers is of before there were totals', async () => {
    const url = await answering((_, response) =>
      response.end(JSON.stringify({ transfers: [], machines: [] })),
    );
    const finished = await run('collector', ['monitor', '--to', url]);
    expect(finished.code).toBe(1);
    expect(finished.stderr).toContain(url);
    expect(finished.stderr).not.toContain('TypeError');
  });

  it.each([
    ['nobody answers', ['--to', 'http://127.0.0.1:1'], 1, /127\.0\.0\.1:1/],
    ['the address is none', ['--to', 'master'], 2, /must be an address such as/],
    ['the token’s file is missing', ['--token-file', '/nowhere/token'], 78, /--token-file/],
  ])('ends with a sentence when %s', async (_, args, code, sentence) => {
    using dir = tempDir();
    const finished = await run('collector', ['monitor', '--data', dir.path, ...args]);
    expect(finished.code).toBe(code);
    expect(finished.stderr).toMatch(sentence);
  });
});
