/** Metrics never wait behind a file, though both go from one machine to one broker. */
import { randomBytes } from 'node:crypto';
import { closeSync, linkSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { eventually, metric } from '../support/http.ts';
import { startAgent, startCollector, startVerb } from '../support/programs.ts';
import { untilReady } from './support/ready.ts';
import { folder, MiB, urlOf } from './support/files.ts';
import { kafkaJs, kafkaMissing, startCluster, withAdmin } from './support/kafka.ts';

const waitMsMax = 90_000;
/** More than is sent while it is looked at, at whatever speed. */
const files = 16;
const fileBytes = 256 * MiB;
/** Less than a second's worth at full speed. */
const chunksMin = 64;
/** A bucket of the histogram: what waits behind the files is older for the most part. */
const promptSeconds = 0.5;
/** One a second of each. */
const agents = 3;
/** Of seven seconds: a machine that stands still for two of them is no file in the way. */
const samplesMin = 21;

interface Lags {
  readonly all: number;
  readonly prompt: number;
}

/** Samples by their age when the collector had them. */
async function lagsAt(url: string): Promise<Lags> {
  const name = 'windrow_ingest_lag_seconds';
  const [all = 0, prompt = 0] = await Promise.all(
    [`${name}_count`, `${name}_bucket{le="${promptSeconds}"}`].map((each) => metric(url, each)),
  );
  return { all, prompt };
}

/** Chunks of files that are in the log; throws while there is no topic of them. */
function chunksIn(brokers: readonly string[]): Promise<number> {
  return withAdmin(kafkaJs(brokers, { retry: { retries: 0 } }), async (admin) => {
    const offsets = await admin.fetchTopicOffsets('data-blocks');
    return offsets.reduce((sum, { high }) => sum + Number(high), 0);
  });
}

/** @returns a folder with so many files, all of one content, which cannot be compressed */
function largeFiles(): string {
  const path = folder();
  const first = join(path, '0.bin');
  const part = randomBytes(16 * MiB);
  const file = openSync(first, 'w');
  for (let bytes = 0; bytes < fileBytes; bytes += part.length) writeSync(file, part);
  closeSync(file);
  for (let no = 1; no < files; no += 1) linkSync(first, join(path, `${no}.bin`));
  return path;
}

describe.skipIf(kafkaMissing)('metrics beside files', () => {
  it(
    'samples come while the same machine sends large files through the same broker, and fresh for the most part',
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
        expect((await lagsAt(url)).all).toBeGreaterThan(agents);
      }, waitMsMax);
      // As the first of these agents.
      const own = ['--data', folders[0] ?? '', '--machine-id', 'pc-0'];
      const sender = startVerb(['send', largeFiles(), '--to', urlOf(cluster.brokers), ...own]);
      onTestFinished(() => sender[Symbol.asyncDispose]());
      const sofar = await eventually(async () => {
        const chunks = await chunksIn(cluster.brokers);
        expect(chunks, sender.log()).toBeGreaterThan(0);
        return chunks;
      }, waitMsMax);
      const before = await lagsAt(url);
      const after = await eventually(async () => {
        const now = await lagsAt(url);
        expect(now.all - before.all).toBeGreaterThanOrEqual(samplesMin);
        expect(await chunksIn(cluster.brokers)).toBeGreaterThanOrEqual(sofar + chunksMin);
        return now;
      }, waitMsMax);
      // All the while there was something to wait behind.
      expect(sender.endedByItself(), sender.log()).toBeUndefined();
      const share = (after.prompt - before.prompt) / (after.all - before.all);
      expect(share).toBeGreaterThan(0.5);
    },
    4 * waitMsMax,
  );
});
