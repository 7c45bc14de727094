/**
 * `bench blocks [--gib 4]`: files read, hashed and compressed in blocks, to a receiver that only
 * says thank you. Beside it, in the same run: what its stages allow, each measured alone on as many
 * threads at once; and what people do by hand, `sha256sum` and then `lz4`.
 *
 *   allowed MB/s = bytes / Σ over files (bytes / read + bytes / hash + bytes / compress)
 *
 * where read, hash and compress are MB/s of all threads together.
 */
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { openJournal } from '../blocks/sending/journal.ts';
import { lanesPerWorker } from '../blocks/sending/pipeline/messages.ts';
import { Pipeline, workersMax } from '../blocks/sending/pipeline/pipeline.ts';
import { scan } from '../blocks/sending/scan.ts';
import { Sender } from '../blocks/sending/sender.ts';
import { calibrate } from '../native/sha256/calibrate.ts';
import { fastestEngine } from '../native/sha256/choose.ts';
import type { EngineName } from '../native/sha256/engine.ts';
import { systemClock } from '../runtime/clock.ts';
import { blockBytesDefault } from '../wire/limits.ts';
import type { BlockCarrier } from '../wire/transport/block-port.ts';
import { gibOf, KINDS, type Kind, makeFiles } from './blocks-data.ts';
import type { Part, Piece } from './blocks-part.ts';
import { type BenchResult, median, rounded } from './result.ts';

const runs = 3;
const threads = Math.min(availableParallelism(), workersMax);
/** Of each file: enough for a steady figure. */
const partBytes = 256 * 1024 * 1024;
const PARTS = ['read', 'hash', 'compress'] as const satisfies readonly Part[];

type Files = Readonly<Record<Kind, string>>;

interface Run {
  readonly pipelineMbps: number;
  readonly allowedMbps: number;
  readonly byHandMbps: number;
  /** `text compress` and so on. */
  readonly parts: Readonly<Record<string, number>>;
}

export async function run(args: readonly string[]): Promise<BenchResult> {
  const bytes = Math.floor((gibOf(args, 4) * 1024 ** 3) / KINDS.length);
  const folder = mkdtempSync(join(tmpdir(), 'windrow-bench-'));
  try {
    const files = makeFiles(folder, bytes, KINDS);
    const { rates } = await calibrate({ folder });
    const streams = threads * lanesPerWorker;
    const engine = fastestEngine(rates, { streams, threads });
    console.log(`engine ${engine}, ${threads} threads, ${runs} runs after one to warm up`);
    await pipelineMs(files, engine, folder);
    const all: Run[] = [];
    for (let i = 0; i < runs; i += 1) all.push(await runOnce(files, { bytes, engine, folder }));
    return resultOf(all);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function runOnce(
  files: Files,
  { bytes, engine, folder }: { bytes: number; engine: EngineName; folder: string },
): Promise<Run> {
  const allBytes = bytes * KINDS.length;
  const parts = await partSpeeds(files, bytes, engine);
  const allowedMs = KINDS.flatMap((kind) =>
    PARTS.map((part) => bytes / 1e3 / (parts[`${kind} ${part}`] ?? Number.NaN)),
  ).reduce((sum, ms) => sum + ms, 0);
  return {
    parts,
    allowedMbps: allBytes / 1e3 / allowedMs,
    pipelineMbps: allBytes / 1e3 / (await pipelineMs(files, engine, folder)),
    byHandMbps: allBytes / 1e3 / byHandMs(files),
  };
}

function resultOf(all: readonly Run[]): BenchResult {
  const middle = (of: (run: Run) => number): number => rounded(median(all.map(of)));
  const names = Object.keys(all[0]?.parts ?? {});
  return {
    bench: 'blocks',
    figures: {
      pipelineMbps: middle((run) => run.pipelineMbps),
      allowedMbps: middle((run) => run.allowedMbps),
      byHandMbps: middle((run) => run.byHandMbps),
      ...Object.fromEntries(
        names.map((name) => [
          `${name.replaceAll(/ (\w)/g, (_, letter: string) => letter.toUpperCase())}Mbps`,
          middle((run) => run.parts[name] ?? Number.NaN),
        ]),
      ),
    },
    ratios: {
      ofAllowed: middle((run) => run.pipelineMbps / run.allowedMbps),
      overByHand: middle((run) => run.pipelineMbps / run.byHandMbps),
    },
  };
}

/** Everything as `windrow-agent send` has it, but for the network. */
async function pipelineMs(files: Files, engine: EngineName, folder: string): Promise<number> {
  const path = join(folder, `journal-${Math.random()}.db`);
  const journal = openJournal({ path, clock: systemClock, onDamage: () => {} });
  const reader = await Pipeline.open({ engine, workers: threads });
  const sender = new Sender({
    carrier: thankfulSink,
    journal,
    reader,
    clock: systemClock,
    random: Math.random,
    sender: 'bench',
    blockBytes: blockBytesDefault,
    tell(event) {
      if (event.kind === 'failed') throw new Error(event.reason);
    },
  });
  const startMs = performance.now();
  await sender.run(scan(Object.values(files), []), new AbortController().signal);
  const ms = performance.now() - startMs;
  await reader.close();
  journal.close();
  return ms;
}

const thankfulSink: BlockCarrier = {
  target: 'nowhere',
  async send({ record }) {
    const { file_name, block_number, chunk, last } = record;
    const ack = { file_name, block_number, machine_id: 'sink', success: true, timestamp: 0 };
    return { nextChunk: chunk + 1, ack: last === undefined ? undefined : ack };
  },
  close: async () => {},
};

/** MB/s of all threads together, by `kind part`. */
async function partSpeeds(
  files: Files,
  bytes: number,
  engine: EngineName,
): Promise<Record<string, number>> {
  const url = new URL('./blocks-part.ts', import.meta.url);
  const workers = Array.from({ length: threads }, () => {
    return new Worker(url, { workerData: { engine } });
  });
  const each = Math.min(partBytes, Math.floor(bytes / threads));
  const speeds: Record<string, number> = {};
  for (const kind of KINDS) {
    for (const part of PARTS) {
      const path = files[kind];
      const together = workers.map(async (worker, index) => {
        const piece: Piece = { part, path, start: index * each, end: (index + 1) * each };
        worker.postMessage(piece);
        const [done] = (await once(worker, 'message')) as [{ ms: number; bytes: number }];
        return done.bytes / 1e3 / done.ms;
      });
      const all = await Promise.all(together);
      speeds[`${kind} ${part}`] = all.reduce((sum, mbps) => sum + mbps, 0);
    }
  }
  await Promise.all(workers.map((worker) => worker.terminate()));
  return speeds;
}

/** One program after the other, as a shell script has it; of `lz4` the fastest level and no file. */
function byHandMs(files: Files): number {
  const startMs = performance.now();
  for (const path of Object.values(files)) {
    execFileSync('sha256sum', [path], { stdio: 'ignore' });
    execFileSync('lz4', ['-1', '-c', path], { stdio: 'ignore' });
  }
  return performance.now() - startMs;
}
