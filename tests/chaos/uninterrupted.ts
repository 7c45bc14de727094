/** A collector that nothing happens to: it gets the samples that others stored, in order of time. */
import type { StoredSample, StoredWindow } from '../../collector/store/history.ts';
import { storedWindows } from '../../collector/store/history.ts';
import { openForReading } from '../../collector/store/database.ts';
import { timestampMsMax } from '../../wire/limits.ts';
import { METRICS } from '../../wire/metrics.ts';
import { SAMPLES_TOPIC } from '../../wire/records/record.ts';
import { DirectClient } from '../../wire/transport/direct/client.ts';
import { WIRE_VERSION } from '../../wire/version.ts';
import type { RunningCollector } from '../support/programs.ts';

/** Small batches: nothing of how they are cut may show in the windows. */
const batchSamples = 50;

/** @returns the windows of the samples' servers, which the collector must not have seen before */
export async function uninterruptedWindows(
  collector: RunningCollector,
  samples: readonly StoredSample[],
): Promise<Map<string, StoredWindow[]>> {
  const client = new DirectClient({ url: collector.url });
  try {
    const inOrder = samples.toSorted((a, b) => a.tsMs - b.tsMs);
    for (let at = 0; at < inOrder.length; at += batchSamples) {
      const records = inOrder.slice(at, at + batchSamples).map(recordOf);
      const header = { v: WIRE_VERSION, sent_at: Date.now() } as const;
      await client.send({ header, records }, AbortSignal.timeout(30_000));
    }
  } finally {
    await client.close();
  }
  const servers = new Set(samples.map(({ serverId }) => serverId));
  const db = openForReading(collector.dataDir);
  const windows = [...storedWindows(db, { fromMs: 0, toMs: timestampMsMax })];
  db.close();
  const own = windows.filter(({ serverId }) => servers.has(serverId));
  return Map.groupBy(own, ({ serverId }) => serverId);
}

function recordOf({ serverId, tsMs, bootId, seq, values }: StoredSample) {
  const measured = METRICS.map((metric, i) => [metric, values[i]] as const);
  return {
    topic: SAMPLES_TOPIC,
    value: {
      v: WIRE_VERSION,
      server_id: serverId,
      ts: tsMs,
      boot_id: bootId,
      seq,
      ...Object.fromEntries(measured.filter(([, value]) => value !== null)),
    },
  };
}
