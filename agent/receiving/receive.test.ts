import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { expect, it, onTestFinished, vi } from 'vitest';
import { chunksOf, contentOf, madeFile } from '../../blocks/receiving/testing/made-file.ts';
import { systemClock } from '../../runtime/clock.ts';
import { createKeptLog } from '../../runtime/testing/kept-log.ts';
import { temporaryFolder } from '../../runtime/testing/temporary-folder.ts';
import { BLOCK_ACKS_TOPIC } from '../../wire/records/block-ack.ts';
import {
  CHUNK_HEADER,
  chunkKey,
  DATA_BLOCKS_TOPIC,
  encodeChunkHeader,
} from '../../wire/records/block-chunk.ts';
import { PROCESSING_STATUS_TOPIC } from '../../wire/records/processing-status.ts';
import { createMemoryLog } from '../../wire/transport/log/memory.ts';
import { receiveFiles, type ReceiveOptions } from './receive.ts';

const waiting = { timeout: 10_000, interval: 5 };
const small = madeFile({ path: 'small', content: contentOf(50) });

/** A receiver of a log with one block. */
function scene() {
  const source = createMemoryLog({
    topics: { [DATA_BLOCKS_TOPIC]: 1, [BLOCK_ACKS_TOPIC]: 1, [PROCESSING_STATUS_TOPIC]: 1 },
    clock: systemClock,
  });
  for (const { chunk, payload } of chunksOf(small, 0)) {
    source.append({
      topic: DATA_BLOCKS_TOPIC,
      partition: 0,
      key: Buffer.from(chunkKey(chunk)),
      value: Buffer.from(payload),
      headers: new Map([[CHUNK_HEADER, Buffer.from(encodeChunkHeader(chunk))]]),
    });
  }
  const folder = temporaryFolder();
  const start = (changes: Partial<ReceiveOptions> = {}) => {
    const stdout = new PassThrough({ encoding: 'utf8' });
    let output = '';
    stdout.on('data', (text: string) => (output += text));
    const stopping = new AbortController();
    const ended = receiveFiles(
      {
        source,
        group: 'group',
        machineId: 'node-1',
        folder,
        assemble: false,
        blocksMax: Infinity,
        modulePath: undefined,
        log: createKeptLog().log,
        stdout: stdout as unknown as NodeJS.WriteStream,
        ...changes,
      },
      stopping.signal,
    );
    ended.catch(() => {});
    onTestFinished(async () => {
      stopping.abort();
      await ended.catch(() => {});
    });
    const lines = () =>
      output
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as { readonly event: string });
    return { ended, stop: () => stopping.abort(), lines };
  };
  return { folder, start };
}

it('a stop ends a module that hangs: its block has neither failed nor been stored', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'], shouldAdvanceTime: true });
  onTestFinished(() => void vi.useRealTimers());
  const { start } = scene();
  const folder = temporaryFolder();
  const [modulePath, begun] = [join(folder, 'module.mjs'), join(folder, 'begun')];
  writeFileSync(
    modulePath,
    `import { writeFileSync } from 'node:fs';
     export default () => new Promise(() => writeFileSync(${JSON.stringify(begun)}, ''));`,
  );
  const { ended, stop, lines } = start({ modulePath });
  await vi.waitFor(() => expect(existsSync(begun)).toBe(true), waiting);
  stop();
  await vi.advanceTimersByTimeAsync(10_000);
  expect(await ended).toBe(true);
  expect(lines()).toMatchObject([{ event: 'summary', blocks: 0, failures: 0 }]);
});

it('tells at its end what could not be put together, and that all was not well', async () => {
  const { folder, start } = scene();
  writeFileSync(join(folder, 'assembled'), 'in the way');
  const { ended, lines } = start({ assemble: true, blocksMax: 1 });
  expect(await ended).toBe(false);
  expect(lines().at(-1)).toMatchObject({ event: 'summary', blocks: 1, not_assembled: 1 });
});

it('another of its name ends it, with what to do', async () => {
  const { start } = scene();
  const first = start();
  await vi.waitFor(() => expect(first.lines()[0]?.event).toBe('block'), waiting);
  const folder = join(temporaryFolder(), 'out');
  mkdirSync(folder);
  start({ folder });
  await expect(first.ended).rejects.toMatchObject({
    code: 'config',
    hint: expect.stringContaining('--machine-id') as string,
  });
});

it('a folder that another receiver has is told with the flag that names one', async () => {
  const { start } = scene();
  const first = start();
  await vi.waitFor(() => expect(first.lines()[0]).toMatchObject({ event: 'block' }), waiting);
  await expect(start().ended).rejects.toMatchObject({
    code: 'store_unavailable',
    hint: 'Stop it, or name another folder with --out.',
  });
});
