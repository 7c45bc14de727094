/**
 * `bench transfer [--gib 2]`: files from `windrow-agent send` to a collector on loopback, each a
 * process of its own, blocks verified and synced to the disk before they are acknowledged. Beside
 * it, in the same run, `cp` and `sync` of the same files: what the disk does without network and hash.
 */
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { gibOf, KINDS, makeFiles } from './blocks-data.ts';
import { finished, firstLine, spawnNode } from './programs.ts';
import { type BenchResult, median, rounded } from './result.ts';

const runs = 3;
/** The highest RSS is the kernel's own record; this is only to see it before the process ends. */
const lookEveryMs = 50;
const here = (file: string): string => fileURLToPath(new URL(file, import.meta.url));

interface Run {
  readonly mbps: number;
  readonly copyMbps: number;
  readonly senderRssMib: number;
  readonly collectorRssMib: number;
  readonly senderCpuSeconds: number;
}

export async function run(args: readonly string[]): Promise<BenchResult> {
  const bytes = Math.floor((gibOf(args, 2) * 1024 ** 3) / KINDS.length);
  const folder = mkdtempSync(join(tmpdir(), 'windrow-bench-'));
  try {
    const paths = Object.values(makeFiles(folder, bytes));
    // Fills Node's cache of compiled code, without which each process takes 50 MB more.
    await runOnce(folder, [fileURLToPath(import.meta.url)], 1);
    const all: Run[] = [];
    for (let i = 0; i < runs; i += 1) all.push(await runOnce(folder, paths, bytes * paths.length));
    const middle = (of: (run: Run) => number): number => rounded(median(all.map(of)));
    const most = (of: (run: Run) => number): number => Math.round(Math.max(...all.map(of)));
    return {
      bench: 'transfer',
      figures: {
        directMbps: middle((run) => run.mbps),
        copyMbps: middle((run) => run.copyMbps),
        senderCpuSeconds: middle((run) => run.senderCpuSeconds),
        senderRssMibMax: most((run) => run.senderRssMib),
        collectorRssMibMax: most((run) => run.collectorRssMib),
      },
      ratios: { ofCopy: middle((run) => run.mbps / run.copyMbps) },
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function runOnce(folder: string, paths: readonly string[], bytes: number): Promise<Run> {
  const data = join(folder, 'run');
  const collector = spawnNode(
    [here('../collector/main.ts'), 'serve', '--port', '0', '--data', join(data, 'collector')],
    { WINDROW_LOG: 'warn', WINDROW_BLOCKS_QUOTA: '1TiB' },
  );
  try {
    const url = (await firstLine(collector)).replace(/^ready /, '');
    const sent = await send(paths, ['--to', url, '--data', join(data, 'agent')]);
    const collectorRssMib = rssMibMax(collector.pid) ?? Number.NaN;
    return {
      ...sent,
      mbps: bytes / 1e6 / sent.seconds,
      collectorRssMib,
      copyMbps: copyMbps(paths, data, bytes),
    };
  } finally {
    collector.kill('SIGTERM');
    await finished(collector);
    rmSync(data, { recursive: true, force: true });
  }
}

async function send(paths: readonly string[], args: readonly string[]) {
  const sender = spawn(process.execPath, [here('../agent/launch.js'), 'send', ...paths, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let senderRssMib = 0;
  const looking = setInterval(() => {
    senderRssMib = rssMibMax(sender.pid) ?? senderRssMib;
  }, lookEveryMs);
  const lines = (await text(sender.stdout)).trim().split('\n');
  await finished(sender);
  clearInterval(looking);
  if (sender.exitCode !== 0) throw new Error(`the sender failed: ${lines.at(-1)}`);
  const summary = JSON.parse(lines.at(-1) ?? '') as { seconds: number; cpu_seconds: number };
  return { seconds: summary.seconds, senderCpuSeconds: summary.cpu_seconds, senderRssMib };
}

/** The most that it ever had. Undefined when it has ended. */
function rssMibMax(pid: number | undefined): number | undefined {
  try {
    const found = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
    return found === null ? undefined : Number(found[1]) / 1_024;
  } catch {
    return undefined;
  }
}

function copyMbps(paths: readonly string[], folder: string, bytes: number): number {
  const startMs = performance.now();
  for (const path of paths) {
    const copy = join(folder, 'copy');
    execFileSync('cp', ['--reflink=never', path, copy]);
    execFileSync('sync', [copy]);
    rmSync(copy);
  }
  return bytes / 1e3 / (performance.now() - startMs);
}
