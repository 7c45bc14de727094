import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished, vi } from 'vitest';
import { temporaryFolder } from '../../../runtime/testing/temporary-folder.ts';
import { chunksOf, contentOf, madeFile } from '../testing/made-file.ts';
import { ackFor, receiverRig } from '../testing/rig.ts';
import { Processing } from './processing.ts';

const files = ['one', 'two', 'three'].map((path) => madeFile({ path, content: contentOf(50) }));

function processingRig(code: string, blockMsMax?: number) {
  const modulePath = join(temporaryFolder(), 'module.mjs');
  writeFileSync(modulePath, code);
  const processing = new Processing({
    modulePath,
    ...(blockMsMax === undefined ? {} : { blockMsMax }),
  });
  onTestFinished(() => processing.close());
  const rig = receiverRig({ process: (block) => processing.process(block) });
  return { ...rig, processing };
}

function acksOf({ receiver }: ReturnType<typeof processingRig>) {
  return Promise.all(
    files.map(async (file) => {
      const { success, reason } = (await ackFor(receiver, chunksOf(file, 0))) ?? {};
      return reason ?? success;
    }),
  );
}

it('the module gets each verified block, one at a time, and the block is stored after it', async () => {
  const log = join(temporaryFolder(), 'log');
  const rig = processingRig(`
    import { appendFileSync, readFileSync } from 'node:fs';
    let running = 0;
    export default async function (block) {
      running += 1;
      await new Promise((resolve) => setImmediate(resolve));
      const { path, ...told } = block;
      const line = { ...told, running, bytes: readFileSync(path).length };
      appendFileSync(${JSON.stringify(log)}, JSON.stringify(line) + '\\n');
      running -= 1;
    }`);
  expect(await acksOf(rig)).toEqual([true, true, true]);
  const lines = readFileSync(log, 'utf8').trim().split('\n');
  expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual(
    expect.arrayContaining([
      {
        file_name: 'two',
        relative_path: 'two',
        sender: 'desk-12',
        transfer_id: files[1]?.transferId,
        block_number: 0,
        total_blocks: 1,
        block_size_bytes: 50,
        checksum: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
        running: 1,
        bytes: 50,
      },
    ]),
  );
  expect(lines).toHaveLength(3);
});

it.each([
  ['throws', `throw new Error('no good')`, 'processing failed: no good'],
  ['ends the process', 'process.exit(3)', 'processing failed: the module ended its thread'],
  [
    'throws where nobody waits',
    `setImmediate(() => { throw new Error('later') }); await new Promise(() => {})`,
    'processing failed: later',
  ],
  [
    'hangs',
    'await new Promise(() => {})',
    'processing failed: the module took longer than 3000 ms',
    3_000,
  ],
])(
  'a module that %s fails its block and no other',
  async (_, code, reason, blockMsMax?: number) => {
    const rig = processingRig(
      `export default async function ({ file_name }) { if (file_name === 'two') { ${code} } }`,
      blockMsMax,
    );
    expect(await acksOf(rig)).toEqual([true, reason, true]);
    const blocks = join(rig.folder, 'processed_data_node-1');
    expect(files.map(({ path }) => existsSync(join(blocks, path)))).toEqual([true, false, true]);
  },
);

it.each([
  ['writes to the file of', `truncateSync(path, 10)`, "changed the block's file"],
  ['takes away the file of', `rmSync(path)`, "took the block's file away"],
])('a module that %s a block fails it and no other', async (_, code, reason) => {
  const rig = processingRig(`
    import { rmSync, truncateSync } from 'node:fs';
    export default ({ file_name, path }) => { if (file_name === 'two') ${code}; }`);
  const told = `a module or another program ${reason}`;
  expect(await acksOf(rig)).toEqual([true, told, true]);
  expect(readdirSync(join(rig.folder, 'processed_data_node-1')).sort()).toEqual(['one', 'three']);
});

it.each([
  ['is not there', undefined, 'Cannot find module'],
  ['is no module', 'export default {', 'Unexpected'],
  ['exports no function', 'export default 5', 'its default export is no function'],
])('a module that %s is told before anything is received', async (_, code, reason) => {
  const modulePath = join(temporaryFolder(), 'module.mjs');
  if (code !== undefined) writeFileSync(modulePath, code);
  const processing = new Processing({ modulePath });
  await expect(processing.start()).rejects.toThrow(reason);
});

it('a block that the module has when it is ended is given up, and so are those behind it: none has failed', async () => {
  const rig = processingRig('export default () => new Promise(() => {})');
  const acks = files.map((file) => ackFor(rig.receiver, chunksOf(file, 0)));
  const told = Promise.allSettled(acks);
  await vi.waitFor(() => expect(rig.receiver.openBlocks).toBe(3), { timeout: 10_000, interval: 5 });
  await rig.processing.close();
  const aborted = { status: 'rejected', reason: { code: 'aborted', retryable: true } };
  expect(await told).toMatchObject([aborted, aborted, aborted]);
  expect(rig.receiver.counts.failures).toBe(0);
  await rig.receiver.close();
});
