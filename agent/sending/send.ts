/** A sending from its start to its end: what it needs is opened, and closed again in reverse. */
import { availableParallelism, constants, setPriority } from 'node:os';
import { join } from 'node:path';
import type { Exclusion } from '../../blocks/sending/exclude.ts';
import { openJournal } from '../../blocks/sending/journal.ts';
import { lanesPerWorker } from '../../blocks/sending/pipeline/messages.ts';
import { Pipeline, workersMax } from '../../blocks/sending/pipeline/pipeline.ts';
import { type Amount, countAll, nothing, Progress } from '../../blocks/sending/progress.ts';
import { scan } from '../../blocks/sending/scan.ts';
import { Sender, stoppedError } from '../../blocks/sending/sender.ts';
import { calibrate } from '../../native/sha256/calibrate.ts';
import { fastestEngine } from '../../native/sha256/choose.ts';
import type { EngineName } from '../../native/sha256/engine.ts';
import { systemClock } from '../../runtime/clock.ts';
import type { BlockCarrier } from '../../wire/transport/block-port.ts';
import { cacheFolder } from '../hashing/cache-folder.ts';
import { outboxFolder } from '../outbox/place.ts';
import { createShow, type Show } from './show.ts';
import { sendingSpeeds } from './speeds.ts';
import { TimedCarrier } from './timed-carrier.ts';

export interface SendOptions {
  readonly paths: readonly string[];
  readonly exclude: readonly Exclusion[];
  readonly carrier: BlockCarrier;
  readonly machineId: string;
  readonly blockBytes: number;
  /** The data folder. */
  readonly data: string;
  /** Chosen by what this machine does when not given. */
  readonly engine: EngineName | undefined;
  readonly stdout: NodeJS.WriteStream;
  readonly signal: AbortSignal;
}

export function journalPath(data: string): string {
  return join(outboxFolder(data), 'transfers.db');
}

/** @returns whether every file is there. @throws WindrowError `aborted`, or why nothing can be sent any more */
export async function sendFiles(options: SendOptions): Promise<boolean> {
  const { paths, exclude, blockBytes, signal } = options;
  const show = createShow(options.stdout);
  stepBack();
  await using opened = new AsyncDisposableStack();
  const clock = systemClock;
  const carrier = new TimedCarrier(options.carrier, clock);
  const journal = openJournal({
    path: journalPath(options.data),
    clock,
    onDamage: (file) => show.event({ kind: 'failed', path: file, reason: 'was a damaged journal' }),
  });
  opened.defer(() => journal.close());
  const total = await counted(options, show);
  const workers = Math.min(availableParallelism(), workersMax);
  const engine = options.engine ?? (await engineFor(total.blocks, workers));
  const reader = opened.use(await Pipeline.open({ engine, workers }));
  // Before the reader: what is on its way lies in the reader's memory.
  opened.defer(() => carrier.close());
  const progress = new Progress(total, clock.monotonicMs());
  const sender = new Sender({
    carrier,
    journal,
    reader,
    clock,
    random: Math.random,
    sender: options.machineId,
    blockBytes,
    tell(event) {
      progress.take(event, clock.monotonicMs());
      show.event(event);
    },
  });
  const showing = setInterval(() => {
    show.progress(progress, clock.monotonicMs());
  }, show.everyMs);
  const cpuBefore = process.cpuUsage();
  const ownCpuBefore = process.threadCpuUsage();
  try {
    await sender.run(scan(paths, exclude, signal), signal);
  } finally {
    clearInterval(showing);
    show.summary({
      progress,
      nowMs: clock.monotonicMs(),
      readBytes: reader.done.readBytes,
      speeds: sendingSpeeds(
        { engine, cpuMs: millisecondsOf(process.cpuUsage(cpuBefore)) },
        reader.done,
        {
          bytes: carrier.takenBytes,
          ms: carrier.busyMs,
          cpuMs: millisecondsOf(process.threadCpuUsage(ownCpuBefore)),
        },
      ),
    });
  }
  return progress.failures === 0;
}

/** @throws WindrowError `aborted` */
async function counted(
  { paths, exclude, blockBytes, signal }: SendOptions,
  show: Show,
): Promise<Amount> {
  const amount = nothing();
  const showing = setInterval(() => show.counting(amount), show.everyMs);
  try {
    await countAll(scan(paths, exclude, signal), blockBytes, amount);
  } finally {
    clearInterval(showing);
    show.counted();
  }
  if (signal.aborted) throw stoppedError();
  return amount;
}

function millisecondsOf({ user, system }: NodeJS.CpuUsage): number {
  return (user + system) / 1_000;
}

/** What measures this machine, and all else that runs here, goes before it. Threads take it over. */
function stepBack(): void {
  try {
    setPriority(constants.priority.PRIORITY_BELOW_NORMAL);
  } catch {
    // Where that is not allowed the system shares as it does.
  }
}

async function engineFor(blocks: number, threads: number): Promise<EngineName> {
  const { rates } = await calibrate({ folder: cacheFolder() });
  return fastestEngine(rates, { streams: Math.min(blocks, threads * lanesPerWorker), threads });
}
