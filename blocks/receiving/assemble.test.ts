import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { createKeptLog } from '../../runtime/testing/kept-log.ts';
import { Assembler } from './assemble.ts';
import {
  blocksOf,
  chunksOf,
  contentOf,
  type MadeFile,
  madeFile,
  mib,
} from './testing/made-file.ts';
import { type Rig, receiverRig, takeAll } from './testing/rig.ts';

function assemblerRig(folder?: string) {
  const assemblers: Assembler[] = [];
  const rig = receiverRig({
    ...(folder === undefined ? {} : { folder }),
    observer: {
      arrived: () => {},
      acknowledged: (_, storedIn) => {
        if (storedIn !== undefined) assemblers[0]?.stored(storedIn);
      },
    },
  });
  const { log, lines } = createKeptLog();
  const assembler = new Assembler({ receiver: rig.receiver, log });
  assemblers.push(assembler);
  onTestFinished(() => assembler.close());
  return { ...rig, assembler, lines };
}

async function receive({ receiver }: Pick<Rig, 'receiver'>, file: MadeFile): Promise<void> {
  for (let block = blocksOf(file) - 1; block >= 0; block -= 1) {
    await takeAll(receiver, chunksOf(file, block));
  }
}

function assembled(folder: string): Record<string, Buffer> {
  const root = join(folder, 'assembled');
  if (!existsSync(root)) return {};
  const entries = readdirSync(root, { recursive: true, withFileTypes: true });
  return Object.fromEntries(
    entries
      .filter((entry) => entry.isFile())
      .map(({ parentPath, name }) => join(parentPath, name))
      .map((path) => [path.slice(root.length + 1), readFileSync(path)]),
  );
}

const file = madeFile({ content: contentOf(2 * mib + 5), path: 'var/log/a.txt' });

describe('a file', () => {
  it('is put together once all its blocks are there, in whatever order they came', async () => {
    const rig = assemblerRig();
    await receive(rig, file);
    await receive(rig, madeFile({ content: Buffer.alloc(0), path: 'empty' }));
    await rig.assembler.idle();
    expect(Object.keys(assembled(rig.folder)).sort()).toEqual(['empty', 'var/log/a.txt']);
    expect(assembled(rig.folder)['var/log/a.txt']?.equals(file.content)).toBe(true);
    expect(readdirSync(join(rig.folder, '.windrow', 'parts'))).toEqual([]);
  });

  it('that lacks a block is not', async () => {
    const rig = assemblerRig();
    await takeAll(rig.receiver, chunksOf(file, 0));
    rig.assembler.look();
    await rig.assembler.idle();
    expect(assembled(rig.folder)).toEqual({});
  });

  it('whose path leads elsewhere, or is another’s, is put inside and beside', async () => {
    const rig = assemblerRig();
    const paths = ['../../../etc/passwd', 'var/log/a.txt', 'VAR/log/A.txt', 'var/log'];
    const files = paths.map((path, no) => madeFile({ path, sender: `pc-${no}` }));
    for (const made of files) await receive(rig, made);
    await rig.assembler.idle();
    const idOf = (no: number): string => files[no]?.transferId.slice(0, 8) ?? '';
    expect(Object.keys(assembled(rig.folder)).sort()).toEqual(
      [
        '__/__/__/etc/passwd',
        'var/log/a.txt',
        `VAR/log/A.txt~${idOf(2)}`,
        `var/log~${idOf(3)}`,
      ].sort(),
    );
  });

  it('whose folder’s name is a file’s keeps its last name', async () => {
    const rig = assemblerRig();
    for (const path of ['var', 'var/log.txt']) await receive(rig, madeFile({ path }));
    await rig.assembler.idle();
    expect(Object.keys(assembled(rig.folder)).sort()).toEqual(['log.txt', 'var']);
  });

  it('that somebody else put there is left alone', async () => {
    const rig = assemblerRig();
    mkdirSync(join(rig.folder, 'assembled', 'var', 'log'), { recursive: true });
    writeFileSync(join(rig.folder, 'assembled', 'var', 'log', 'a.txt'), 'mine');
    await receive(rig, file);
    await rig.assembler.idle();
    expect(assembled(rig.folder)['var/log/a.txt']?.toString()).toBe('mine');
    expect(Object.keys(assembled(rig.folder))).toHaveLength(2);
  });

  it('that was not put together before a restart is, and under its own path', async () => {
    const rig = assemblerRig();
    await receive(rig, file);
    await rig.assembler.idle();
    const path = join(rig.folder, 'assembled', 'var', 'log', 'a.txt');
    rmSync(path);
    const transfer = rig.receiver.index.transfer(file.transferId);
    expect(transfer?.assembled).toBe('var/log/a.txt');
    await rig.receiver.close();
    const again = assemblerRig(rig.folder);
    // As if it had been killed between the claim and the end.
    const { DatabaseSync } = await import('node:sqlite');
    const db = new DatabaseSync(join(rig.folder, '.windrow', 'received.db'));
    db.exec('UPDATE transfers SET is_assembled = 0');
    db.close();
    again.assembler.look();
    await again.assembler.idle();
    expect(Object.keys(assembled(rig.folder))).toEqual(['var/log/a.txt']);
  });

  it('that cannot be put together is told and holds up no other', async () => {
    const rig = assemblerRig();
    await receive(rig, madeFile({ path: 'first' }));
    await rig.assembler.idle();
    for (const block of [1, 2]) await takeAll(rig.receiver, chunksOf(file, block));
    rmSync(join(rig.folder, 'processed_data_node-1', 'a_txt', 'block_0001.bin'));
    await takeAll(rig.receiver, chunksOf(file, 0));
    await receive(rig, madeFile({ path: 'last' }));
    await rig.assembler.idle();
    expect(Object.keys(assembled(rig.folder)).sort()).toEqual(['first', 'last']);
    expect(rig.lines.map(({ msg }) => msg)).toEqual(['a file is not put together']);
    expect(rig.assembler.failed).toBe(1);
  });

  it('that cannot be put together is tried again, less and less often, and counted until it is', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'], shouldAdvanceTime: true });
    onTestFinished(() => void vi.useRealTimers());
    const rig = assemblerRig();
    const root = join(rig.folder, 'assembled');
    writeFileSync(root, 'in the way');
    const triesAfter = async (ms: number): Promise<number> => {
      await vi.advanceTimersByTimeAsync(ms);
      await rig.assembler.idle();
      return rig.lines.length;
    };
    await receive(rig, file);
    expect(await triesAfter(0)).toBe(1);
    expect(rig.lines[0]?.['error']).toMatch(/^E[A-Z]+: .*assembled/);
    expect(await triesAfter(4_000)).toBe(1);
    expect(await triesAfter(1_000)).toBe(2);
    expect(await triesAfter(8_000)).toBe(2);
    expect(rig.assembler.failed).toBe(1);
    rmSync(root);
    expect(await triesAfter(2_000)).toBe(2);
    expect(assembled(rig.folder)['var/log/a.txt']?.equals(file.content)).toBe(true);
    expect(rig.assembler.failed).toBe(0);
  });

  it('that is being put together at the end is given up, and not counted', async () => {
    const rig = assemblerRig();
    await receive(rig, file);
    await rig.assembler.close();
    expect(assembled(rig.folder)).toEqual({});
    expect(readdirSync(join(rig.folder, '.windrow', 'parts'))).toEqual([]);
    expect(rig.lines).toEqual([]);
    expect(rig.assembler.failed).toBe(0);
  });
});
