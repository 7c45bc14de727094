import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { appendFileSync, renameSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import fc from '../../../runtime/testing/property.ts';
import lz4 from 'lz4-napi';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ENGINE_NAMES } from '../../../native/sha256/engine.ts';
import { temporaryFolder } from '../../../runtime/testing/temporary-folder.ts';
import { rawChunkBytes } from '../../../wire/limits.ts';
import type { PreparedChunk } from '../plan.ts';
import { versionOf } from '../scan.ts';
import { buffersPerLane } from './messages.ts';
import type { BlockJob } from '../block-reader.ts';
import { Pipeline } from './pipeline.ts';

let pipeline: Pipeline;
beforeAll(async () => {
  pipeline = await Pipeline.open({ engine: 'openssl', workers: 1 });
});
afterAll(() => pipeline.close());

const { signal: never } = new AbortController();

/** A file of these bytes, and the whole of it as one block. */
function jobOf(bytes: Uint8Array): BlockJob {
  const path = join(temporaryFolder(), 'file');
  writeFileSync(path, bytes);
  const version = versionOf(statSync(path, { bigint: true }));
  return { path, version, start: 0, end: bytes.length };
}

function rawOf({ encoding, payload, crc32: checksum }: PreparedChunk): Buffer {
  expect(crc32(payload).toString(16).padStart(8, '0')).toBe(checksum);
  const copy = Buffer.from(payload);
  return encoding === 'raw' ? copy : lz4.decompressFrameSync(copy);
}

interface Block {
  readonly bytes: Buffer;
  readonly encodings: readonly string[];
  readonly sha256: string | undefined;
}

async function blockOf(job: BlockJob, from = pipeline): Promise<Block> {
  const pieces: Buffer[] = [];
  const encodings: string[] = [];
  let sha256: string | undefined;
  for await (const chunk of from.read(job, never)) {
    expect(chunk.chunk).toBe(pieces.length);
    pieces.push(rawOf(chunk));
    expect(pieces.at(-1)).toHaveLength(chunk.rawBytes);
    encodings.push(chunk.encoding);
    sha256 = chunk.sha256;
  }
  return { bytes: Buffer.concat(pieces), encodings, sha256 };
}

function sha256Of(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function text(bytes: number): Buffer {
  return Buffer.alloc(bytes, 'a line of text that repeats\n');
}

it.each([0, 1, rawChunkBytes - 1, rawChunkBytes, rawChunkBytes + 1, 3 * rawChunkBytes + 5])(
  'a block of %i bytes comes whole, with its hash in the last chunk',
  async (size) => {
    const bytes = randomBytes(size);
    const block = await blockOf(jobOf(bytes));
    expect(block.bytes.equals(bytes)).toBe(true);
    expect(block.sha256).toBe(sha256Of(bytes));
  },
);

it('a block is its part of the file and nothing else', async () => {
  const bytes = randomBytes(3 * rawChunkBytes);
  const job = { ...jobOf(bytes), start: 100, end: 100 + rawChunkBytes + 7 };
  const expected = bytes.subarray(job.start, job.end);
  const block = await blockOf(job);
  expect(block.bytes.equals(expected)).toBe(true);
  expect(block.sha256).toBe(sha256Of(expected));
});

it('what gets smaller is compressed, what does not is stored: chunk by chunk', async () => {
  const mixed = Buffer.concat([randomBytes(rawChunkBytes), text(rawChunkBytes), randomBytes(10)]);
  const { encodings, bytes } = await blockOf(jobOf(mixed));
  expect(encodings).toEqual(['raw', 'lz4', 'raw']);
  expect(bytes.equals(mixed)).toBe(true);
});

it.each(ENGINE_NAMES)('%s: blocks side by side have each their own hash', async (engine) => {
  await using own = await Pipeline.open({ engine, workers: 2 });
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.integer({ min: 0, max: 3 * rawChunkBytes }), { minLength: 1, maxLength: 8 }),
      async (sizes) => {
        const all = sizes.map((size, index) => Buffer.concat([randomBytes(size), text(index)]));
        const blocks = await Promise.all(all.map((bytes) => blockOf(jobOf(bytes), own)));
        expect(blocks.map(({ sha256 }) => sha256)).toEqual(all.map(sha256Of));
      },
    ),
    { numRuns: 4 },
  );
});

it('a consumer that does not go on stops the reading: memory is bounded', async () => {
  const before = pipeline.done.readBytes;
  const reading = pipeline.read(jobOf(text(10 * rawChunkBytes)), never);
  await reading.next();
  // Of another lane of the same thread: when it has come through, the first one had its turn too.
  await blockOf(jobOf(text(10 * rawChunkBytes)));
  const read = pipeline.done.readBytes - before - 10 * rawChunkBytes;
  expect(read).toBeLessThanOrEqual(buffersPerLane * rawChunkBytes);
  await reading.return();
});

it('memory does not grow with what is read, nor with what was made of it', async () => {
  await using own = await Pipeline.open({ engine: 'openssl', workers: 1 });
  const job = jobOf(randomBytes(40 * rawChunkBytes));
  const before = process.memoryUsage.rss();
  for (let time = 0; time < 8; time += 1) {
    for await (const { encoding } of own.read(job, never)) expect(encoding).toBe('raw');
  }
  // What the library makes would wait for the garbage collector: more than 100 MB of it.
  expect(process.memoryUsage.rss() - before).toBeLessThan(60 * 1024 * 1024);
});

it('a block that is given up leaves its lane and all its buffers to others', async () => {
  const job = jobOf(randomBytes(5 * rawChunkBytes));
  for (let time = 0; time < 3 * pipeline.blocksAtOnce; time += 1) {
    const reading = pipeline.read(job, never);
    await reading.next();
    await reading.return();
  }
  const all = Array.from({ length: pipeline.blocksAtOnce }, () => blockOf(job));
  for (const { bytes } of await Promise.all(all)) expect(bytes).toHaveLength(job.end);
});

it('a block that has changed at its end leaves its lane and all its buffers to others', async () => {
  // The last chunk is read when the first has come back.
  const bytes = randomBytes((buffersPerLane + 1) * rawChunkBytes);
  for (let time = 0; time <= buffersPerLane * pipeline.blocksAtOnce; time += 1) {
    const job = jobOf(bytes);
    const reading = pipeline.read(job, never);
    await reading.next();
    appendFileSync(job.path, 'x');
    await expect(Array.fromAsync(reading)).rejects.toMatchObject({ name: 'FileChangedError' });
  }
  const all = Array.from({ length: pipeline.blocksAtOnce }, () => blockOf(jobOf(bytes)));
  for (const block of await Promise.all(all)) expect(block.bytes.equals(bytes)).toBe(true);
});

it('an aborted reading ends at once, as aborted', async () => {
  const aborting = new AbortController();
  const reading = pipeline.read(jobOf(text(10 * rawChunkBytes)), aborting.signal);
  await reading.next();
  aborting.abort();
  await expect(reading.next()).rejects.toMatchObject({ code: 'aborted' });
  await blockOf(jobOf(text(10)));
});

const changed = { name: 'FileChangedError' };

it.each<[string, (job: BlockJob) => void]>([
  ['written to', ({ path }) => appendFileSync(path, 'x')],
  ['cut off', ({ path }) => truncateSync(path, 10)],
  [
    'replaced',
    ({ path }) => {
      writeFileSync(`${path}.new`, 'x'.repeat(10 * rawChunkBytes));
      renameSync(`${path}.new`, path);
    },
  ],
])('a file that was %s since it was found gives no block', async (_, change) => {
  const job = jobOf(text(10 * rawChunkBytes));
  change(job);
  await expect(blockOf(job)).rejects.toMatchObject(changed);
});

it.each<[string, (job: BlockJob) => void]>([
  ['written to', ({ path }) => appendFileSync(path, 'x')],
  ['cut off', ({ path }) => truncateSync(path, 10)],
])('a block of a file that is %s while it is read has no end', async (_, change) => {
  const job = jobOf(text(10 * rawChunkBytes));
  const reading = pipeline.read(job, never);
  await reading.next();
  change(job);
  const rest = async (): Promise<void> => {
    for await (const { sha256 } of reading) expect(sha256).toBeUndefined();
  };
  await expect(rest()).rejects.toMatchObject(changed);
});

it('a pipe that took the place of a file is not waited for', async () => {
  const job = jobOf(text(10));
  rmSync(job.path);
  execFileSync('mkfifo', [job.path]);
  await expect(blockOf(job)).rejects.toMatchObject(changed);
});

it('a file that is gone is named as such', async () => {
  const job = { ...jobOf(text(10)), path: join(temporaryFolder(), 'gone') };
  await expect(blockOf(job)).rejects.toMatchObject({
    name: 'UnreadableError',
    message: 'is not there',
  });
});

it('holes of a sparse file are zeros, and cost nothing on the way', async () => {
  const job = jobOf(text(0));
  truncateSync(job.path, 4 * rawChunkBytes);
  const version = versionOf(statSync(job.path, { bigint: true }));
  const { bytes, encodings } = await blockOf({ ...job, version, end: 4 * rawChunkBytes });
  expect(bytes.equals(Buffer.alloc(4 * rawChunkBytes))).toBe(true);
  expect(new Set(encodings)).toEqual(new Set(['lz4']));
});
