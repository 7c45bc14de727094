/** A thread that does one kind of work for a while and says how fast it was, for speed-test.ts. */
import { randomBytes } from 'node:crypto';
import { parentPort } from 'node:worker_threads';
import { systemClock } from '../../runtime/clock.ts';
import { compressFrame, decompressFrame } from '../lz4.ts';
import { ENGINES } from '../sha256/engines.ts';
import { pieceBytes, type Speed, type Trial } from './trial.ts';

/** Until then code is compiled and memory is touched for the first time. */
const warmUpMs = 60;

parentPort?.on('message', (trial: Trial) => {
  void speedOf(trial).then((speed) => parentPort?.postMessage(speed));
});

async function speedOf(trial: Trial): Promise<Speed> {
  const { bytes, work } = trial.what === 'hash' ? await hashing(trial) : compressing(trial);
  repeat(work, warmUpMs);
  const cpuBeforeUs = cpuUs();
  const { times, ms } = repeat(work, trial.forMs);
  const done = times * bytes;
  return { mbps: done / (ms * 1000), cpuMbps: done / (cpuUs() - cpuBeforeUs) };
}

interface Work {
  /** Bytes that one call of `work` gets through, before compression. */
  readonly bytes: number;
  readonly work: () => void;
}

async function hashing({ engine, streams }: Trial & { what: 'hash' }): Promise<Work> {
  const group = await ENGINES[engine].create();
  const lanes = Math.min(streams, group.lanes);
  const chunks = Array.from({ length: lanes }, (_, lane) =>
    group.buffer(lane).subarray(0, pieceBytes),
  );
  return { bytes: lanes * pieceBytes, work: () => group.update(chunks) };
}

function compressing({ direction, data }: Trial & { what: 'lz4' }): Work {
  const piece = data === 'text' ? textLike(pieceBytes) : randomBytes(pieceBytes);
  const frame = compressFrame(piece);
  const work =
    direction === 'compress'
      ? () => void compressFrame(piece)
      : () => void decompressFrame(frame, pieceBytes);
  return { bytes: pieceBytes, work };
}

/** Lines as logs have them: the same words, ever other numbers. */
function textLike(bytes: number): Buffer {
  const lines: string[] = [];
  for (let n = 0, length = 0; length < bytes; n += 1) {
    const number = Math.imul(n, 0x9e37_79b1) >>> 0;
    const line = `2026-03-04T05:06:07.${number % 1000}Z info server-${number % 97} request ${number.toString(36)} took ${(number >>> 9) % 5000} us\n`;
    length += line.length;
    lines.push(line);
  }
  return Buffer.from(lines.join('')).subarray(0, bytes);
}

/** Of this thread. */
function cpuUs(): number {
  const { user, system } = process.threadCpuUsage();
  return user + system;
}

function repeat(work: () => void, forMs: number): { times: number; ms: number } {
  const startMs = systemClock.monotonicMs();
  for (let times = 1; ; times += 1) {
    work();
    const ms = systemClock.monotonicMs() - startMs;
    if (ms >= forMs) return { times, ms };
  }
}
