/** One file of times of day, sent again and again: nobody on Kafka says which dates it got before. */
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { eventually as within, metric } from '../support/http.ts';
import { run, type RunningCollector, startCollector, startVerb } from '../support/programs.ts';
import { kafkaMissing, startCluster } from './support/kafka.ts';

const CSV = fileURLToPath(new URL('../data/server_metrics.csv', import.meta.url));
const rows = 976;
/** Brokers, clients and programs start beside other tests. */
const startMsMax = 60_000;
const testMsMax = 6 * startMsMax;

describe.skipIf(kafkaMissing)('a replay on Kafka', { timeout: testMsMax }, () => {
  it('with each date is whole in the collectors, and one that was interrupted goes on with its own', async () => {
    await using cluster = await startCluster();
    await using collector = await startCollector({ args: ['--kafka', cluster.brokers.join(',')] });
    const verb = ['replay', CSV, '--to', `kafka://${cluster.brokers.join(',')}`];
    const received = () => metric(collector.url, 'windrow_samples_received_total');

    await using first = startVerb([...verb, '--groups-per-second', '20']);
    await eventually(async () => expect(await received()).toBeGreaterThan(0));
    expect(await first.stop()).toBe(1);
    const [, day = ''] = /Run it again with --day (\S+) for what/.exec(first.log()) ?? [];
    expect(first.log()).toContain(`${CSV}: its times of day begin on ${day} (UTC); --day ${day} `);
    const again = await run('agent', [...verb, '--speed', 'max', '--day', day]);
    const other = await run('agent', [...verb, '--speed', 'max', '--day', '2025-02-03']);
    expect([again.code, other.code]).toEqual([0, 0]);
    expect(again.stderr).not.toContain('times of day');

    await eventually(async () => expect(await received()).toBe(2 * rows));
    expect(await metric(collector.url, 'windrow_records_quarantined_total')).toBe(0);
    expect(await metric(collector.url, 'windrow_samples_duplicate_total')).toBeGreaterThan(0);
    expect(await metric(collector.url, 'windrow_log_behind_records')).toBe(0);
    expect(await firstDayOf(collector, again.stdout)).toBe(day);
    expect(await firstDayOf(collector, other.stdout)).toBe('2025-02-03');
  });
});

/** Of the source that a replay printed, all of whose rows are there. */
async function firstDayOf({ dataDir }: RunningCollector, printed: string): Promise<string> {
  const [, source = ''] = /^source ([0-9a-f]{64})$/m.exec(printed) ?? [];
  const args = ['--data', dataDir, '--source', source, '--format', 'json'];
  const { stdout } = await run('collector', ['export', 'samples', ...args]);
  const samples = JSON.parse(stdout) as { server_id: string; ts: string }[];
  expect(samples).toHaveLength(rows);
  expect(new Set(samples.map(({ server_id, ts }) => `${server_id} ${ts}`)).size).toBe(rows);
  return samples[0]?.ts.slice(0, 10) ?? '';
}

function eventually<T>(probe: () => Promise<T>): Promise<T> {
  return within(probe, startMsMax);
}
