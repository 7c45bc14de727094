/** Where a verb's result goes: stdout, or a file that appears whole or not at all. */
import { once } from 'node:events';
import { createWriteStream, renameSync, rmSync } from 'node:fs';
import { finished } from 'node:stream/promises';
import { messageOf, WindrowError } from '../../runtime/errors.ts';

/** Characters gathered before they are written. */
const chunkCharsMin = 64 * 1024;

/** Writes all pieces, waiting whenever the reader is slower. @throws WindrowError `input` */
export async function writeOutput(
  pieces: Iterable<string> | AsyncIterable<string>,
  path: string | undefined,
): Promise<void> {
  if (path === undefined) return writeAll(pieces, process.stdout);
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    const stream = createWriteStream(temporary, { flags: 'wx' });
    // An error that comes while nobody waits is found again by finished().
    stream.on('error', () => {});
    await writeAll(pieces, stream);
    stream.end();
    await finished(stream);
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    if (error instanceof WindrowError) throw error;
    throw new WindrowError('input', `--out: cannot write ${path}: ${messageOf(error)}`, {
      cause: error,
    });
  }
}

async function writeAll(
  pieces: Iterable<string> | AsyncIterable<string>,
  stream: NodeJS.WritableStream,
): Promise<void> {
  let waiting = '';
  for await (const piece of pieces) {
    waiting += piece;
    if (waiting.length < chunkCharsMin) continue;
    if (!stream.write(waiting)) await once(stream, 'drain');
    waiting = '';
  }
  if (waiting !== '' && !stream.write(waiting)) await once(stream, 'drain');
}

/** JSON array of the items, a line each. */
export function* jsonLines(items: Iterable<unknown>): Generator<string> {
  let first = true;
  for (const item of items) {
    yield `${first ? '[' : ','}\n${JSON.stringify(item)}`;
    first = false;
  }
  yield first ? '[]\n' : '\n]\n';
}
