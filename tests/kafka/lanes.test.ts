/** Metrics never wait behind a file, though both go from one machine to one broker. */
import { randomBytes } from 'node:crypto';
import { closeSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { eventually, metric } from '../support/http.ts';
import { startAgent, startCollector, startVerb } from '../support/programs.ts';
import { untilReady } from './support/ready.ts';
import { folder, MiB, urlOf } from './support/files.ts';
import { kafkaJs, kafkaMissing, startCluster, withAdmin } from './support/kafka.ts';

const waitMsMax = 90_000;
/** Some seconds' worth at full speed. */
const fileBytes = 256 * MiB;
const chunkBytesMax = 960 * 1024;
/** Buckets of the histogram, in seconds. */
const promptSeconds = 0.5;
const lateSeconds = 2.5;
/** One a second of each. */
const agents = 3;
const samplesMin = 10;

interface Lags {
  readonly all: number;
  readonly prompt: number;
  readonly late: number;
}

/** Samples by their age when the collector had them. */
async function lagsAt(url: string): Promise<Lags> {
  const name = 'windrow_ingest_lag_seconds';
  const [all = 0, prompt = 0, inTime = 0] = await Promise.all(
    [
      `${name}_count`,
      `${name}_bucket{le="${promptSeconds}"}`,
      `${name}_bucket{le="${lateSeconds}"}`,
    ].map((each) => metric(url, each)),
  );
  return { all, prompt, late: all - inTime };
}

/** Chunks of files that are in the log; throws while there is no topic of them. */
function chunksIn(brokers: readonly string[]): Promise<number> {
  return withAdmin(kafkaJs(brokers, { retry: { retries: 0 } }), async (admin) => {
    const offsets = await admin.fetchTopicOffsets('data-blocks');
    return offsets.reduce((sum, { high }) => sum + Number(high), 0);
  });
}

/** Nothing in it can be compressed. */
function largeFile(): string {
  const path = join(folder(), 'large.bin');
  const part = randomBytes(16 * MiB);
  const file = openSync(path, 'w');
  for (let bytes = 0; bytes < fileBytes; bytes += part.length) writeSync(file, part);
  closeSync(file);
  return path;
}

describe.skipIf(kafkaMissing)('metrics beside a file', () => {
  it(
    'samples are as fresh as ever while the same machine sends a large file through the same broker',
    async () => {
      const path = largeFile();
      await using cluster = await startCluster();
      const brokers = cluster.brokers.join(',');
      await using collector = await startCollector({ args: ['--kafka', brokers] });
      await untilReady(collector);
      const { url } = collector;
      const folders = Array.from({ length: agents }, () => folder());
      for (const [i, data] of folders.entries()) {
        const args = ['--kafka', brokers, '--data', data, '--server-id', `pc-${i}`];
        const agent = await startAgent({ to: 'http://127.0.0.1:9', args });
        onTestFinished(() => agent[Symbol.asyncDispose]());
      }
      await eventually(async () => {
        expect((await lagsAt(url)).all).toBeGreaterThan(samplesMin);
      }, waitMsMax);
      const before = await lagsAt(url);
      const fromMs = performance.now();
      // As the first of these agents.
      const own = ['--data', folders[0] ?? '', '--machine-id', 'pc-0'];
      const sender = startVerb(['send', path, '--to', urlOf(cluster.brokers), ...own]);
      onTestFinished(() => sender[Symbol.asyncDispose]());
      await eventually(async () => {
        expect(await chunksIn(cluster.brokers), sender.log()).toBeGreaterThanOrEqual(
          Math.ceil(fileBytes / chunkBytesMax),
        );
      }, waitMsMax);
      const takenMin = agents * Math.floor((performance.now() - fromMs) / 1_000 - 1);
      // Enough of them had something to wait behind.
      expect(takenMin).toBeGreaterThan(samplesMin);
      // Also those that are late.
      const after = await eventually(async () => {
        const now = await lagsAt(url);
        expect(now.all - before.all).toBeGreaterThanOrEqual(takenMin);
        return now;
      }, waitMsMax);
      const all = after.all - before.all;
      expect(after.late - before.late).toBe(0);
      expect((after.prompt - before.prompt) / all).toBeGreaterThan(0.9);
    },
    4 * waitMsMax,
  );
});
