/** The verbs that send and receive files through Kafka, and what receivers have made of them. */
import { createHash } from 'node:crypto';
import { copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { expect, onTestFinished } from 'vitest';
import { eventually } from '../../support/http.ts';
import { startVerb, tempDir, type Verb } from '../../support/programs.ts';
import { kafkaJs, withAdmin } from './kafka.ts';

export const MiB = 1024 * 1024;
const BLOCK = /block_(\d+)\.bin$/;
/** A program starts, and a cluster makes the place for its first group, beside other tests. */
const joinMsMax = 90_000;

export interface Receiving extends Verb {
  readonly out: string;
  /** Stored so far. */
  blocks(): number;
}

/** Gone when the test has ended. */
export function folder(): string {
  const made = tempDir();
  onTestFinished(() => made[Symbol.dispose]());
  return made.path;
}

/** Runs until the test has ended. @param out a folder of its own when not given */
export function receive(
  brokers: readonly string[],
  { machine, out = folder() }: { readonly machine: string; readonly out?: string },
  ...args: string[]
): Receiving {
  const own = ['--from', urlOf(brokers), '--machine-id', machine, '--out', out];
  const verb = startVerb(['receive', ...own, ...args]);
  onTestFinished(() => verb[Symbol.asyncDispose]());
  return { ...verb, out, blocks: () => blocksIn(out).length };
}

/** Waits until a receiver is at work in the group: it has made in its folder what it needs. */
export async function untilJoined(brokers: readonly string[], group: string): Promise<void> {
  await eventually(async () => {
    const { groups } = await withAdmin(kafkaJs(brokers), (admin) => admin.describeGroups([group]));
    expect(groups).toMatchObject([{ state: 'Stable' }]);
  }, joinMsMax);
}

/** @param data a folder of its own when not given */
export function send(
  brokers: readonly string[],
  path: string,
  {
    machine,
    data = folder(),
    blockMiB = 1,
  }: { readonly machine: string; readonly data?: string; readonly blockMiB?: number },
): Verb {
  const args = ['--to', urlOf(brokers), '--machine-id', machine, '--data', data];
  const verb = startVerb(['send', path, ...args, '--block-size', `${blockMiB}MiB`]);
  onTestFinished(() => verb[Symbol.asyncDispose]());
  return verb;
}

export function urlOf(brokers: readonly string[]): string {
  return `kafka://${brokers.join(',')}`;
}

/** The paths of all stored blocks. */
function blocksIn(out: string): string[] {
  return readdirSync(out, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.startsWith('processed_data_') && BLOCK.test(path))
    .map((path) => join(out, path));
}

/**
 * The file's blocks, each from whichever receiver has it, and each as its metadata say.
 * @param name as its folder is called
 */
export function together(outs: readonly string[], name: string): Buffer {
  const byNumber = new Map<number, Buffer>();
  for (const path of outs.flatMap((out) => blocksIn(out))) {
    if (!path.includes(`/${name}/`)) continue;
    const bytes = readFileSync(path);
    expect(metadataOf(path)).toMatchObject({ checksum: sha256Of(bytes), verified: true });
    byNumber.set(Number(BLOCK.exec(path)?.[1]), bytes);
  }
  const inOrder = [...byNumber].sort(([one], [other]) => one - other);
  return Buffer.concat(inOrder.map(([, bytes]) => bytes));
}

/** Moves all stored blocks to the other folder, as somebody does who makes room. */
export function takeAway(out: string, to: string): void {
  for (const from of blocksIn(out)) {
    const path = join(to, relative(out, from));
    mkdirSync(dirname(path), { recursive: true });
    copyFileSync(metadataPathOf(from), metadataPathOf(path));
    copyFileSync(from, path);
    rmSync(from);
  }
}

function metadataPathOf(blockPath: string): string {
  return blockPath.replace(/\.bin$/, '_metadata.json');
}

function metadataOf(blockPath: string): object {
  return JSON.parse(readFileSync(metadataPathOf(blockPath), 'utf8')) as object;
}

export function sha256Of(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
