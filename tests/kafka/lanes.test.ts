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
/** A second's worth or two at full speed. */
const fileBytes = 256 * MiB;
const chunksOfFileMin = Math.ceil(fileBytes / (960 * 1024));
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
function largeFile(name: string): string {
  const path = join(folder(), name);
  const part = randomBytes(16 * MiB);
  const file = openSync(path, 'w');
  for (let bytes = 0; bytes < fileBytes; bytes += part.length) writeSync(file, part);
  closeSync(file);
  return path;
}

describe.skipIf(kafkaMissing)('metrics beside a file', () => {
  it(
    'samples are as fresh as ever while the same machine sends large files through the same broker',
    async () => {
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
      // As the first of these agents.
      const own = ['--data', folders[0] ?? '', '--machine-id', 'pc-0'];
      let sendingMs = 0;
      let takenMin = 0;
      // One after the other, until enough samples had something to wait behind.
      for (let files = 0; takenMin < samplesMin; files += 1) {
        const path = largeFile(`${files}.bin`);
        const fromMs = performance.now();
        const sender = startVerb(['send', path, '--to', urlOf(cluster.brokers), ...own]);
        onTestFinished(() => sender[Symbol.asyncDispose]());
        await eventually(async () => {
          expect(await chunksIn(cluster.brokers), sender.log()).toBeGreaterThanOrEqual(
            (files + 1) * chunksOfFileMin,
          );
        }, waitMsMax);
        sendingMs += performance.now() - fromMs;
        takenMin = agents * Math.floor(sendingMs / 1_000 - 1);
      }
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
