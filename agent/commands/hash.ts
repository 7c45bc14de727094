import { Command, Option } from 'commander';
import { createReadStream } from 'node:fs';
import { WindrowError } from '../../runtime/errors.ts';
import { toItsEnd } from '../../runtime/run-to-end.ts';
import { ENGINE_NAMES, type EngineName } from '../../native/sha256/engine.ts';
import { checkList, type Printer } from '../hashing/check.ts';
import { formatLine } from '../hashing/checksum-line.ts';
import { hashFiles } from '../hashing/hash-files.ts';
import { errorOf, reasonOf } from '../hashing/outcome.ts';
import { quoted } from '../hashing/quoted.ts';
import { standardInput } from '../hashing/stream.ts';

/** Some 600,000 files. */
const listBytesMax = 64 << 20;

interface Options {
  readonly check?: string;
  readonly engine?: EngineName;
}

export function hashCommand(): Command {
  return new Command('hash')
    .description('SHA-256 of files, several side by side; prints what sha256sum prints')
    .argument('[files...]', '- is the standard input, and so is none at all')
    .option('--check <list>', 'verify the files of a list that this or sha256sum made')
    .addOption(
      new Option('--engine <name>', 'instead of the fastest on this machine').choices(ENGINE_NAMES),
    )
    .action(async (files: string[], { check, engine }: Options) => {
      await toItsEnd(() =>
        check === undefined
          ? print(files.length === 0 ? [standardInput] : files, engine)
          : verify(files, check, engine),
      );
    });
}

const printer: Printer = {
  print: (line, encoding) => void process.stdout.write(`${line}\n`, encoding),
  complain: (line) => void process.stderr.write(`windrow-agent hash: ${line}\n`),
};

/** @returns whether all could be read */
async function print(names: readonly string[], engine: EngineName | undefined): Promise<boolean> {
  let good = true;
  let n = 0;
  for await (const outcome of hashFiles(names, { engine })) {
    const name = names[n] ?? '';
    n += 1;
    if ('digest' in outcome) {
      printer.print(formatLine({ digest: outcome.digest, name }));
    } else {
      printer.complain(`${quoted(name)}: ${reasonOf(outcome.error)}`);
      good = false;
    }
  }
  return good;
}

async function verify(
  files: readonly string[],
  list: string,
  engine: EngineName | undefined,
): Promise<boolean> {
  if (files.length > 0) {
    throw new WindrowError('usage', `--check takes the files from ${list}: name no others`);
  }
  const name = list === standardInput ? 'standard input' : list;
  let text: string;
  try {
    text = await readList(list);
  } catch (error) {
    printer.complain(`${quoted(name)}: ${reasonOf(errorOf(error).error)}`);
    return false;
  }
  return checkList({ name, text }, printer, { engine });
}

/** @returns a character for each byte. @throws what the system says */
async function readList(path: string): Promise<string> {
  const source = path === standardInput ? process.stdin : createReadStream(path);
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of source as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes > listBytesMax) throw new Error(`more than ${listBytesMax} bytes`);
  }
  return Buffer.concat(chunks).toString('latin1');
}
