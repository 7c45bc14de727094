/** What a receiver of blocks has made of files, as the old system has it on the disk, and what a sender says. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Finished } from './programs.ts';

const BLOCK = /^block_(\d+)\.bin$/;

/** The folders of received files, by name. */
export function receivedFolders(folder: string): string[] {
  return readdirSync(folder)
    .filter((name) => name.startsWith('processed_data_'))
    .flatMap((machine) => readdirSync(join(folder, machine)).map((name) => join(machine, name)))
    .sort();
}

/**
 * The content of a received file: its blocks one after the other, each as its metadata say.
 * @param name as its folder is called
 */
export function receivedFile(folder: string, name: string): Buffer {
  const own = receivedFolders(folder).find((path) => path.endsWith(`/${name}`));
  if (own === undefined) throw new Error(`nothing came of ${name}`);
  const numbers = readdirSync(join(folder, own))
    .flatMap((file) => BLOCK.exec(file)?.[1] ?? [])
    .sort((a, b) => Number(a) - Number(b));
  return Buffer.concat(numbers.map((number) => blockOf(join(folder, own, `block_${number}`))));
}

function blockOf(path: string): Buffer {
  const bytes = readFileSync(`${path}.bin`);
  const metadata = JSON.parse(readFileSync(`${path}_metadata.json`, 'utf8')) as Metadata;
  const checksum = createHash('sha256').update(bytes).digest('hex');
  if (!metadata.verified || metadata.checksum !== checksum) {
    throw new Error(`${path} is not what its metadata say`);
  }
  return bytes;
}

interface Metadata {
  readonly verified: boolean;
  readonly checksum: string;
}

/** What the verbs print where there is no terminal. */
interface Line {
  readonly event: string;
  readonly [key: string]: unknown;
}

export function linesOf({ stdout }: Finished): Line[] {
  return stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Line);
}

export function summaryOf(finished: Finished): Line {
  const summary = linesOf(finished).at(-1);
  if (summary?.event !== 'summary') throw new Error(`no summary: ${finished.stderr}`);
  return summary;
}
