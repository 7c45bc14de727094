import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer } from 'node:net';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, it, onTestFinished, vi } from 'vitest';
import { rawChunkBytes } from '../../wire/limits.ts';
import { folder, MiB } from '../kafka/support/files.ts';
import { Proxy } from '../kafka/support/proxy.ts';
import { linesOf, receivedFile, receivedFolders, summaryOf } from '../support/blocks.ts';
import { metric } from '../support/http.ts';
import { inTimeOnce } from '../support/in-time.ts';
import {
  type Finished,
  type RunningCollector,
  run,
  startAgent,
  startCollector,
  startVerb,
} from '../support/programs.ts';
import { mayMount, smallDisk } from '../support/small-disk.ts';

const waitMsMax = { timeout: 30_000, interval: 20 };
vi.setConfig({ testTimeout: 5 * waitMsMax.timeout });
/** So that small files have many blocks. */
const smallBlocks = ['--block-size', '1MiB'];

async function collector(
  options: Parameters<typeof startCollector>[0] = {},
): Promise<RunningCollector> {
  const started = await startCollector(options);
  onTestFinished(() => started[Symbol.asyncDispose]());
  return started;
}

function receivedIn({ dataDir }: RunningCollector): string {
  return join(dataDir, 'received');
}

function send(paths: readonly string[], args: readonly string[]): Promise<Finished> {
  return run('agent', ['send', ...paths, ...args]);
}

/** Blocks that this sender's journal has as acknowledged, of transfers that are not done. */
function acknowledgedBlocks(data: string): number {
  const path = join(data, 'agent', 'transfers.db');
  if (!existsSync(path)) return 0;
  const db = new DatabaseSync(path, { readOnly: true, timeout: 1_000 });
  try {
    const row = db.prepare('SELECT count(*) AS n FROM blocks').get();
    return Number(row?.['n']);
  } catch {
    // It is being made.
    return 0;
  } finally {
    db.close();
  }
}

async function proxyTo(url: string): Promise<{ readonly proxy: Proxy; readonly url: string }> {
  const proxy = await Proxy.open();
  onTestFinished(() => proxy[Symbol.asyncDispose]());
  proxy.leadTo(Number(new URL(url).port));
  return { proxy, url: `http://127.0.0.1:${proxy.port}` };
}

it('a tree arrives whole; sent again, nothing is read and nothing is sent', async () => {
  const { url, ...running } = await collector();
  const from = join(folder(), 'tree');
  mkdirSync(join(from, 'deep', 'er'), { recursive: true });
  const files = {
    'a.bin': randomBytes(2.5 * MiB),
    'deep/b.txt': Buffer.alloc(3 * MiB, 'text that compresses\n'),
    'deep/er/c': Buffer.alloc(0),
  };
  for (const [name, bytes] of Object.entries(files)) writeFileSync(join(from, name), bytes);
  symlinkSync('a.bin', join(from, 'link'));
  const args = ['--to', url, '--data', folder(), ...smallBlocks];
  const first = await send([from], args);
  expect(first).toMatchObject({ code: 0, stderr: '' });
  const received = receivedIn({ url, ...running });
  expect(receivedFolders(received).map((name) => name.split('/').at(-1))).toEqual([
    'a_bin',
    'b_txt',
    'c',
  ]);
  expect(receivedFile(received, 'a_bin').equals(files['a.bin'])).toBe(true);
  expect(receivedFile(received, 'b_txt').equals(files['deep/b.txt'])).toBe(true);
  expect(receivedFile(received, 'c')).toHaveLength(0);
  expect(summaryOf(first)).toMatchObject({ files: 3, blocks: 7, blocks_total: 7, failures: 0 });
  expect(Number(summaryOf(first)['sent_bytes'])).toBeLessThan(3 * MiB);
  expect(summaryOf(first)['engine']).toMatch(/^(openssl|hash-wasm|simd4)$/);
  for (const stage of ['read', 'hash', 'compress', 'send']) {
    expect(Number(summaryOf(first)[`${stage}_mb_per_s`]), stage).toBeGreaterThan(0);
  }
  expect(await metric(url, 'windrow_blocks_stage_bytes_total')).toBe(5.5 * MiB);
  const ownEngine = `windrow_blocks_sender_engine_total{engine="${String(summaryOf(first)['engine'])}"}`;
  expect(await metric(url, ownEngine)).toBe(7);
  expect(await metric(url, 'windrow_blocks_sender_stage_bytes_total')).toBe(5.5 * MiB);
  let cpuS = 0;
  for (const stage of ['read', 'hash', 'compress']) {
    const nameOf = (seconds: string): string =>
      `windrow_blocks_sender_${seconds}_total{stage="${stage}"}`;
    expect(await metric(url, nameOf('stage_seconds')), stage).toBeGreaterThan(0);
    cpuS += await metric(url, nameOf('stage_cpu_seconds'));
  }
  // A kernel adds a thread's CPU up at its ticks: of some ms of one stage it may tell none.
  expect(cpuS).toBeGreaterThan(0);
  const again = await send([from], args);
  expect(again.code).toBe(0);
  expect(summaryOf(again)).toMatchObject({ files: 3, blocks: 7, read_bytes: 0, sent_bytes: 0 });
});

it('a folder and a file in it arrive both; the folder sent again is not read again', async () => {
  const running = await collector();
  const from = join(folder(), 'tree');
  mkdirSync(from);
  for (const name of ['a', 'b', 'c']) writeFileSync(join(from, name), randomBytes(2.5 * MiB));
  const args = ['--to', running.url, '--data', folder(), ...smallBlocks];
  const both = await send([from, join(from, 'b')], args);
  expect(both).toMatchObject({ code: 0, stderr: '' });
  expect(summaryOf(both)).toMatchObject({ files: 4, blocks: 12, failures: 0 });
  const copies = receivedFolders(receivedIn(running)).map((path) => path.split('/').at(-1));
  expect(copies).toEqual(['a', 'b', expect.stringMatching(/^b~/), 'c']);
  for (const copy of copies) {
    const original = readFileSync(join(from, copy?.slice(0, 1) ?? ''));
    expect(receivedFile(receivedIn(running), copy ?? '').equals(original)).toBe(true);
  }
  expect(summaryOf(await send([from], args))).toMatchObject({ files: 3, read_bytes: 0 });
});

it('a sender that is killed goes on with the blocks that were on their way', async () => {
  const running = await collector();
  const { proxy, url } = await proxyTo(running.url);
  const data = folder();
  const bytes = randomBytes(60 * MiB);
  const file = join(folder(), 'big.bin');
  writeFileSync(file, bytes);
  const args = ['--data', data, ...smallBlocks];
  await using sender = startVerb(['send', file, '--to', url, ...args]);
  await vi.waitFor(() => expect(acknowledgedBlocks(data)).toBeGreaterThan(5), waitMsMax);
  proxy.stall();
  await sender.kill();
  const before = acknowledgedBlocks(data);
  expect(before).toBeLessThan(60);
  proxy.heal();
  const finished = await send([file], ['--to', url, ...args]);
  expect(finished).toMatchObject({ code: 0, stderr: '' });
  const { blocks, read_bytes } = summaryOf(finished);
  expect(blocks).toBe(60);
  expect(Number(read_bytes)).toBeLessThanOrEqual((60 - before) * MiB);
  // Of a block that was stored, and its acknowledgment lost, the first chunk is enough to be told so.
  expect(Number(read_bytes)).toBeGreaterThanOrEqual((60 - before) * rawChunkBytes);
  expect(receivedFile(receivedIn(running), 'big_bin').equals(bytes)).toBe(true);
});

it('Ctrl-C stops within five seconds, also while the network hangs', async () => {
  const running = await collector();
  const { proxy, url } = await proxyTo(running.url);
  const file = join(folder(), 'big.bin');
  writeFileSync(file, randomBytes(60 * MiB));
  const untilStopped = async (): Promise<number> => {
    const data = folder();
    proxy.heal();
    await using sender = startVerb(['send', file, '--to', url, '--data', data, ...smallBlocks]);
    await vi.waitFor(() => expect(acknowledgedBlocks(data)).toBeGreaterThan(0), waitMsMax);
    proxy.stall();
    const startMs = performance.now();
    process.kill(sender.pid, 'SIGINT');
    expect(await sender.stop()).toBe(1);
    const tookMs = performance.now() - startMs;
    expect(sender.log()).toContain('goes on from there');
    return tookMs;
  };
  expect(await inTimeOnce(untilStopped, (tookMs) => tookMs < 5_000)).toBeLessThan(5_000);
});

it('a collector that is killed and started again gets every block', async () => {
  const dataDir = folder();
  const first = await collector({ dataDir });
  // What comes through it waits for this process: nothing is over before it is looked at.
  const { proxy, url } = await proxyTo(first.url);
  const data = folder();
  const bytes = randomBytes(40 * MiB);
  const file = join(folder(), 'big.bin');
  writeFileSync(file, bytes);
  const sending = send([file], ['--to', url, '--data', data, ...smallBlocks]);
  await vi.waitFor(() => expect(acknowledgedBlocks(data)).toBeGreaterThan(5), waitMsMax);
  await first.kill();
  const second = await collector({ dataDir });
  proxy.leadTo(Number(new URL(second.url).port));
  expect(await sending).toMatchObject({ code: 0, stderr: '' });
  expect(receivedFile(receivedIn(second), 'big_bin').equals(bytes)).toBe(true);
});

it('a network that breaks again and again loses no block', async () => {
  const running = await collector();
  const { proxy, url } = await proxyTo(running.url);
  const bytes = randomBytes(30 * MiB);
  const file = join(folder(), 'big.bin');
  writeFileSync(file, bytes);
  const data = folder();
  const sending = send([file], ['--to', url, '--data', data, ...smallBlocks]);
  for (const blocks of [1, 6, 12]) {
    await vi.waitFor(
      () => expect(acknowledgedBlocks(data)).toBeGreaterThanOrEqual(blocks),
      waitMsMax,
    );
    proxy.cut();
    proxy.heal();
  }
  expect(await sending).toMatchObject({ code: 0, stderr: '' });
  expect(receivedFile(receivedIn(running), 'big_bin').equals(bytes)).toBe(true);
});

/** What is as long as this ends in a chunk's payload: a request's head is shorter. */
const payloadBytesMin = 16 * 1024;

/** Turns a bit of the payload that the client sends after each so many bytes, so many times in all. */
async function damagingProxy(to: string, everyBytes: number, timesMax: number): Promise<string> {
  let seen = 0;
  let times = 0;
  const server = createServer((client) => {
    const upstream = connect(Number(new URL(to).port), '127.0.0.1');
    client.on('data', (bytes: Buffer) => {
      seen += bytes.length;
      if (seen >= everyBytes && times < timesMax && bytes.length >= payloadBytesMin) {
        seen = 0;
        times += 1;
        bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
      }
      upstream.write(bytes);
    });
    upstream.pipe(client);
    for (const [one, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      one.on('error', () => {});
      one.on('close', () => other.destroy());
    }
  });
  onTestFinished(() => void server.close());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

it('what a network damages is sent again, and stored as it was', async () => {
  const running = await collector();
  const url = await damagingProxy(running.url, 3 * MiB, 5);
  const bytes = randomBytes(30 * MiB);
  const file = join(folder(), 'big.bin');
  writeFileSync(file, bytes);
  const finished = await send([file], ['--to', url, '--data', folder(), ...smallBlocks]);
  expect(finished).toMatchObject({ code: 0, stderr: '' });
  expect(Number(summaryOf(finished)['resends'])).toBeGreaterThan(0);
  expect(receivedFile(receivedIn(running), 'big_bin').equals(bytes)).toBe(true);
});

it('a running agent on the same data folder keeps its samples going, and neither waits for the other', async () => {
  const running = await collector();
  const data = folder();
  await using agent = await startAgent({ to: running.url, args: ['--data', data] });
  const { proxy, url } = await proxyTo(running.url);
  const file = join(folder(), 'big.bin');
  const bytes = randomBytes(20 * MiB);
  writeFileSync(file, bytes);
  const sending = send([file], ['--to', url, '--data', data, ...smallBlocks]);
  await vi.waitFor(() => expect(acknowledgedBlocks(data)).toBeGreaterThan(0), waitMsMax);
  // The files' way hangs, that of the samples does not.
  proxy.stall();
  const received = (): Promise<number> => metric(running.url, 'windrow_samples_received_total');
  const before = await received();
  await vi.waitFor(async () => expect(await received()).toBeGreaterThan(before + 1), waitMsMax);
  proxy.heal();
  expect(await sending).toMatchObject({ code: 0, stderr: '' });
  expect(await metric(running.url, 'windrow_samples_lost_total')).toBe(0);
  expect(receivedFile(receivedIn(running), 'big_bin').equals(bytes)).toBe(true);
  expect(agent.endedByItself()).toBeUndefined();
  expect(agent.log()).not.toContain('"level":50');
});

it('several senders at once: every file of each arrives, by sha256sum', async () => {
  const running = await collector();
  const trees = [0, 1, 2].map((index) => {
    const tree = folder();
    for (let file = 0; file < 8; file += 1) {
      writeFileSync(join(tree, `pc${index}-${file}`), randomBytes(file * 300_000));
    }
    return tree;
  });
  const sent = await Promise.all(
    trees.map((tree, index) =>
      send(
        [tree],
        ['--to', running.url, '--data', folder(), '--machine-id', `pc-${index}`, ...smallBlocks],
      ),
    ),
  );
  expect(sent.map(({ code }) => code)).toEqual([0, 0, 0]);
  const rebuilt = folder();
  for (let index = 0; index < trees.length; index += 1) {
    for (let file = 0; file < 8; file += 1) {
      const name = `pc${index}-${file}`;
      writeFileSync(join(rebuilt, name), receivedFile(receivedIn(running), name));
    }
  }
  const sums = (path: string): string =>
    execFileSync('sh', ['-c', 'sha256sum *'], { cwd: path, encoding: 'utf8' });
  expect(sums(rebuilt)).toBe(trees.map(sums).join(''));
});

it.skipIf(!mayMount())(
  'a full disk is waited for: nothing is acknowledged, and all goes on when there is room',
  async () => {
    const disk = smallDisk(64 * 1024);
    onTestFinished(() => disk[Symbol.dispose]());
    const received = join(disk.path, 'received');
    const { url } = await collector({ env: { WINDROW_BLOCKS_FOLDER: received } });
    disk.fill();
    const data = folder();
    const bytes = randomBytes(4 * MiB);
    const file = join(folder(), 'big.bin');
    writeFileSync(file, bytes);
    const args = ['send', file, '--to', url, '--data', data, ...smallBlocks];
    await using sender = startVerb(args);
    await vi.waitFor(() => expect(sender.output()).toContain('waiting'), waitMsMax);
    expect(acknowledgedBlocks(data)).toBe(0);
    disk.makeRoom();
    expect(await sender.ended()).toBe(0);
    expect(receivedFile(received, 'big_bin').equals(bytes)).toBe(true);
  },
);

it('by the kernel for four streams, where OpenSSL does without SHA-NI, all arrives as it was', async () => {
  const running = await collector();
  const file = join(folder(), 'big.bin');
  const bytes = randomBytes(9.5 * MiB);
  writeFileSync(file, bytes);
  const env = { OPENSSL_ia32cap: ':~0x20000000' };
  const args = ['send', file, '--to', running.url, '--data', folder(), ...smallBlocks];
  const finished = await run('agent', [...args, '--engine', 'simd4'], { env });
  expect(finished).toMatchObject({ code: 0, stderr: '' });
  expect(summaryOf(finished)).toMatchObject({ engine: 'simd4', blocks: 10, failures: 0 });
  expect(receivedFile(receivedIn(running), 'big_bin').equals(bytes)).toBe(true);
});

it('what cannot be sent is named and costs the others nothing; the exit code says so', async () => {
  const running = await collector();
  const good = join(folder(), 'good');
  writeFileSync(good, 'good');
  const gone = join(folder(), 'gone');
  const finished = await send([gone, good], ['--to', running.url, '--data', folder()]);
  expect(finished.code).toBe(1);
  expect(linesOf(finished)).toContainEqual({ event: 'failed', path: gone, reason: 'is not there' });
  expect(receivedFile(receivedIn(running), 'good').toString()).toBe('good');
});

it('--dry-run lists what would be sent, needs nobody, and keeps nothing', async () => {
  const from = folder();
  for (const name of ['a', 'b.tmp']) writeFileSync(join(from, name), Buffer.alloc(3 * MiB));
  const data = join(folder(), 'data');
  const args = ['--to', 'http://127.0.0.1:9', '--data', data, '--exclude', '*.tmp', '--dry-run'];
  const listed = await send([from], [...args, ...smallBlocks]);
  expect(listed).toMatchObject({ code: 0, stderr: '' });
  expect(linesOf(listed)).toEqual([
    { event: 'file', path: join(from, 'a'), as: expect.any(String), bytes: 3 * MiB, blocks: 3 },
  ]);
  expect(existsSync(data)).toBe(false);
});

it('a wrong token ends the sending at once, and says how to get one', async () => {
  const running = await collector({ args: ['--listen', '0.0.0.0'] });
  const file = join(folder(), 'file');
  writeFileSync(file, 'text');
  const token = join(folder(), 'token');
  writeFileSync(token, 'A'.repeat(43));
  const finished = await send(
    [file],
    ['--to', running.url, '--data', folder(), '--token-file', token],
  );
  expect(finished.code).toBe(1);
  expect(finished.stderr).toContain('token create');
  expect(readFileSync(token, 'utf8')).not.toBe('');
  expect(finished.stderr).not.toContain('A'.repeat(43));
});

it.each([
  [['--block-size', '1KiB'], '--block-size'],
  [['--block-size', 'much'], '--block-size'],
  [['--engine', 'steam'], '--engine'],
  [['--machine-id', ''], '--machine-id'],
  [['--exclude', ''], '--exclude'],
  [['--exclude', '/tmp/x'], '--exclude'],
])('%j is a wrong usage, and names the flag', async (args, flag) => {
  const finished = await send(['x'], args);
  expect(finished.code).toBe(2);
  expect(finished.stderr).toContain(flag);
});
