/**
 * `bench single-file`: what it costs that an agent is one file. Its size, as it is and compressed;
 * how long `version` takes beside Node that does nothing; how soon an agent has taken its first
 * reading; and its memory, each beside the same program from the sources. Needs `npm run build`.
 */
import { type ChildProcess, type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  copyFileSync,
  createReadStream,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { setTimeout as passing } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { createGzip } from 'node:zlib';
import { finished, firstLine, spawnNode } from './programs.ts';
import { type BenchResult, median, rounded } from './result.ts';

const rounds = 15;
const startRounds = 7;
/** Apart from what is measured: the child with the inventory, the first collections of garbage. */
const warmUpMs = 30_000;
const looks = 30;
const lookEveryMs = 1_000;
const megabyte = 1e6;
const kibibytesInMebibyte = 1024;

const here = (file: string): string => fileURLToPath(new URL(file, import.meta.url));
const launch = here('../agent/launch.js');

export async function run(): Promise<BenchResult> {
  const folder = mkdtempSync(join(tmpdir(), 'windrow-bench-'));
  try {
    // Both written just now: how the page cache holds a file says much of what counts as memory.
    const node = join(folder, 'node');
    const file = join(folder, 'windrow-agent');
    copyFileSync(process.execPath, node);
    copyFileSync(here('../dist/windrow-agent-linux-x64'), file);
    const sizes = await sizesOf(file);
    const versions = await versionMs([
      [node, '-e', '0'],
      [file, 'version'],
      [node, launch, 'version'],
    ]);
    const [nodeMs = 0, singleMs = 0, sourcesMs = 0] = versions;
    const starts = await firstReadingMs([[file], [node, launch]], folder);
    const memory = await memoryMib([[file], [node, launch]], folder);
    const figures = {
      ...sizes,
      node_ms: nodeMs,
      version_ms: singleMs,
      version_from_sources_ms: sourcesMs,
      first_reading_ms: starts[0] ?? 0,
      first_reading_from_sources_ms: starts[1] ?? 0,
      rss_mib: memory[0]?.rss ?? 0,
      rss_from_sources_mib: memory[1]?.rss ?? 0,
      anonymous_mib: memory[0]?.anonymous ?? 0,
      anonymous_from_sources_mib: memory[1]?.anonymous ?? 0,
    };
    return {
      bench: 'single-file',
      figures: Object.fromEntries(Object.entries(figures).map(([k, v]) => [k, rounded(v)])),
      ratios: {
        rss_to_sources: rounded(figures.rss_mib / figures.rss_from_sources_mib),
        version_to_node: rounded(singleMs / nodeMs),
      },
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function sizesOf(file: string): Promise<{ size_mb: number; gzip_mb: number }> {
  let gzipBytes = 0;
  for await (const part of createReadStream(file).pipe(createGzip())) {
    gzipBytes += (part as Buffer).length;
  }
  return { size_mb: statSync(file).size / megabyte, gzip_mb: gzipBytes / megabyte };
}

/** Medians; the commands take turns, so that each sees the same machine. */
async function versionMs(commands: readonly string[][]): Promise<number[]> {
  const times: number[][] = commands.map(() => []);
  for (let round = 0; round < rounds; round += 1) {
    for (const [i, [program = '', ...args]] of commands.entries()) {
      const begin = performance.now();
      await once(spawn(program, args, { stdio: 'ignore' }), 'exit');
      times[i]?.push(performance.now() - begin);
    }
  }
  return times.map(median);
}

/** Until an agent has read everything once and says so. */
async function firstReadingMs(commands: readonly string[][], folder: string): Promise<number[]> {
  const times: number[][] = commands.map(() => []);
  for (let round = 0; round < startRounds; round += 1) {
    for (const [i, command] of commands.entries()) {
      const begin = performance.now();
      const agent = startAgent(command, 'http://127.0.0.1:9', join(folder, `start-${i}`));
      for await (const line of createInterface({ input: agent.stderr })) {
        if (line.includes('agent samples')) break;
      }
      times[i]?.push(performance.now() - begin);
      await stop(agent);
    }
  }
  return times.map(median);
}

interface Memory {
  readonly rss: number;
  readonly anonymous: number;
}

/** Medians of agents that run at the same time. */
async function memoryMib(commands: readonly string[][], folder: string): Promise<Memory[]> {
  const args = ['serve', '--port', '0', '--data', join(folder, 'collector'), '--log', 'error'];
  const collector = spawnNode([here('../collector/main.ts'), ...args]);
  const agents: ChildProcess[] = [];
  try {
    const url = (await firstLine(collector)).replace(/^ready /, '');
    for (const [i, command] of commands.entries()) {
      const agent = startAgent(command, url, join(folder, `agent-${i}`));
      agent.stderr.resume();
      agents.push(agent);
    }
    await passing(warmUpMs);
    const seen: { rss: number[]; anonymous: number[] }[] = agents.map(() => ({
      rss: [],
      anonymous: [],
    }));
    for (let look = 0; look < looks; look += 1) {
      for (const [i, agent] of agents.entries()) {
        const status = readFileSync(`/proc/${agent.pid}/status`, 'utf8');
        seen[i]?.rss.push(mebibytes(status, 'VmRSS'));
        seen[i]?.anonymous.push(mebibytes(status, 'RssAnon'));
      }
      await passing(lookEveryMs);
    }
    return seen.map(({ rss, anonymous }) => ({ rss: median(rss), anonymous: median(anonymous) }));
  } finally {
    for (const child of [...agents, collector]) await stop(child);
  }
}

type Agent = ChildProcessByStdio<null, null, Readable>;

function startAgent([program = '', ...own]: string[], to: string, data: string): Agent {
  const id = data.replaceAll(/\W/g, '-').slice(-40);
  const args = [...own, 'run', '--to', to, '--data', data, '--server-id', id];
  return spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'] });
}

async function stop(child: ChildProcess): Promise<void> {
  child.kill('SIGTERM');
  await finished(child);
}

function mebibytes(status: string, name: string): number {
  const kibibytes = new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1];
  return Number(kibibytes) / kibibytesInMebibyte;
}
