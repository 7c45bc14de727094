/** One executable: Node for a target, with a program's assets inside (Node's single executable applications). */
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Assets } from './bundle.ts';

const run = promisify(execFile);

const POSTJECT = fileURLToPath(new URL('../../node_modules/postject/dist/cli.js', import.meta.url));
/** It warns of each section of an executable without symbols. */
const complaintsBytesMax = 16 * 2 ** 20;
/** What Node looks for in itself; the fuse's name is Node's. */
const resource = 'NODE_SEA_BLOB';
const sentinelFuse = 'NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2';

export interface ExecutableOptions {
  /** Node of this machine, of exactly the version of the target: another one's blob crashes it. */
  readonly node: string;
  /** Node of the target, ready to be injected into. */
  readonly target: Uint8Array;
  /** With which it always runs. */
  readonly nodeOptions: readonly string[];
  readonly assets: Assets;
  readonly out: string;
}

export async function writeExecutable(options: ExecutableOptions): Promise<void> {
  const { node, target, out } = options;
  const folder = mkdtempSync(join(tmpdir(), 'windrow-build-'));
  const fresh = `${out}.${process.pid}.tmp`;
  try {
    const blob = await blobOf(options, folder);
    writeFileSync(fresh, target, { mode: 0o755 });
    const inject = [POSTJECT, fresh, resource, blob, '--sentinel-fuse', sentinelFuse];
    await run(node, inject, { maxBuffer: complaintsBytesMax });
    // One that runs cannot be written to.
    renameSync(fresh, out);
  } finally {
    rmSync(folder, { recursive: true, force: true });
    rmSync(fresh, { force: true });
  }
}

async function blobOf(options: ExecutableOptions, folder: string): Promise<string> {
  const { node, nodeOptions, assets } = options;
  const paths: Record<string, string> = {};
  mkdirSync(join(folder, 'assets'));
  for (const [i, [name, bytes]] of [...assets].entries()) {
    // By number: two programs' names need not be good names of files.
    writeFileSync(join(folder, 'assets', String(i)), bytes);
    paths[name] = join('assets', String(i));
  }
  const config = {
    main: paths['boot'],
    output: 'blob',
    disableExperimentalSEAWarning: true,
    useCodeCache: false,
    execArgv: nodeOptions,
    // No further ones are for whoever starts the program: NODE_OPTIONS counts for nothing.
    execArgvExtension: 'none',
    assets: paths,
  };
  writeFileSync(join(folder, 'sea.json'), JSON.stringify(config));
  await run(node, ['--experimental-sea-config', 'sea.json'], { cwd: folder });
  return join(folder, 'blob');
}
