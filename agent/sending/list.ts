/** What would be sent, without sending it or asking anybody. */
import { blockCount } from '../../wire/records/block-shape.ts';
import type { Exclusion } from '../../blocks/sending/exclude.ts';
import { type Found, scan } from '../../blocks/sending/scan.ts';
import { plural } from '../../runtime/plural.ts';
import { inert } from '../../wire/records/fields.ts';
import { sizeText } from './show.ts';

export interface ListOptions {
  readonly paths: readonly string[];
  readonly exclude: readonly Exclusion[];
  readonly blockBytes: number;
  readonly stdout: NodeJS.WriteStream;
}

/** A line for each file on a terminal, JSON elsewhere. @returns whether all that was named can be sent */
export async function listFiles(options: ListOptions): Promise<boolean> {
  const { paths, exclude, blockBytes, stdout } = options;
  let isGood = true;
  for await (const found of scan(paths, exclude)) {
    isGood &&= found.kind !== 'failed';
    const line = stdout.isTTY
      ? lineOf(found, blockBytes)
      : JSON.stringify(factsOf(found, blockBytes));
    stdout.write(`${line}\n`);
  }
  return isGood;
}

function lineOf(found: Found, blockBytes: number): string {
  if (found.kind !== 'file') return inert(`${found.path}: ${whyNot(found)}`);
  const { path, version } = found.file;
  const blocks = blockCount(version.sizeBytes, blockBytes);
  return `${inert(path)}  ${sizeText(version.sizeBytes)}  ${plural(blocks, 'block')}`;
}

function factsOf(found: Found, blockBytes: number): object {
  if (found.kind !== 'file') {
    return { event: found.kind.replace('-', '_'), path: found.path, reason: found.reason };
  }
  const { path, relativePath, version } = found.file;
  const blocks = blockCount(version.sizeBytes, blockBytes);
  return { event: 'file', path, as: relativePath, bytes: version.sizeBytes, blocks };
}

function whyNot({ kind, reason }: Exclude<Found, { kind: 'file' }>): string {
  return kind === 'failed' ? reason : `left out, ${reason}`;
}
