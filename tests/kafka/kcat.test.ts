/** The old systems' clients written on librdkafka, which kcat is too: nothing of them knows windrow. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { FleetView, ServerView } from '../../collector/api/contract.ts';
import { SEED_B_TOPIC } from '../../wire/compat/seed-b.ts';
import { METRICS } from '../../wire/metrics.ts';
import { eventually, getJson, metric } from '../support/http.ts';
import { run, startAgent, startCollector, tempDir } from '../support/programs.ts';
import { kafkaMissing, startCluster } from './support/kafka.ts';
import { kcatMissing, kcatRead, kcatWrite } from './support/kcat.ts';
import { untilReady } from './support/ready.ts';

const DATA = new URL('../data/', import.meta.url);
const read = (name: string): string => readFileSync(fileURLToPath(new URL(name, DATA)), 'utf8');
/** Idle servers' last windows are closed after half a minute; brokers start beside other tests. */
const doneMsMax = 120_000;
const slideMs = 10_000;
const dayMs = 24 * 60 * 60 * 1000;

function timeOfDayMs(text: string): number {
  return Date.parse(`1970-01-01T${text}Z`);
}

/** So far back that the file's last event was some two minutes ago, with its windows where they were. */
function shiftMs(): number {
  const [lastRow = ''] = read('server_metrics.csv').trim().split('\n').slice(-1);
  const wantedMs = (Date.now() % dayMs) - 120_000;
  const byMs = wantedMs - timeOfDayMs(lastRow.slice(0, 8));
  return Math.floor(byMs / slideMs) * slideMs;
}

function shifted(timeOfDay: string, byMs: number): string {
  return new Date(timeOfDayMs(timeOfDay) + byMs).toISOString().slice(11, 19);
}

/** What the old producer writes of the file's rows, by topic: `KEY|VALUE`. */
function seedA(byMs: number): Record<string, string[]> {
  const topics: Record<string, string[]> = {};
  const [, ...rows] = read('server_metrics.csv').trim().split('\n');
  for (const row of rows) {
    const [ts = '', server_id, cpu, mem, netIn, netOut, disk] = row.split(',');
    const time = shifted(ts, byMs);
    const parts = {
      'topic-cpu': { cpu_pct: Number(cpu) },
      'topic-mem': { mem_pct: Number(mem) },
      'topic-net': { net_in: Number(netIn), net_out: Number(netOut) },
      'topic-disk': { disk_io: Number(disk) },
    };
    for (const [topic, values] of Object.entries(parts)) {
      const value = { timestamp: time, original_ts: time, server_id, ...values };
      (topics[topic] ??= []).push(`${server_id}|${JSON.stringify(value)}`);
    }
  }
  return topics;
}

/** Rows of a report: text and numbers, so that 5.0 equals 5; the times shifted. */
function rowsOf(csv: string, byMs = 0): (string | number)[][] {
  return csv
    .trim()
    .split('\n')
    .map((line) =>
      line.split(',').map((cell) => {
        if (/^\d\d:\d\d:\d\d$/.test(cell)) return shifted(cell, byMs);
        return /^-?\d+(\.\d+)?$/.test(cell) ? Number(cell) : cell;
      }),
    );
}

describe.skipIf(kafkaMissing || kcatMissing)('kcat', () => {
  it(
    'writes as the SEEDS A producer: the windows are those of the file',
    async () => {
      await using cluster = await startCluster();
      const { brokers } = cluster;
      await using collector = await startCollector({ args: ['--kafka', brokers.join(',')] });
      await untilReady(collector, doneMsMax);
      const byMs = shiftMs();
      // As the old producer does, all four at a time: nobody waits long for one that lags behind.
      await Promise.all(
        Object.entries(seedA(byMs)).map(([topic, lines]) =>
          kcatWrite(brokers, topic, lines, { keyed: true }),
        ),
      );
      for (const report of ['cpu-mem', 'net-disk']) {
        const wanted = rowsOf(read(`expected_${report.replace('-', '_')}.csv`), byMs);
        expect(wanted.length).toBeGreaterThan(400);
        await eventually(async () => {
          const args = ['export', 'windows', '--report', report, '--data', collector.dataDir];
          expect(rowsOf((await run('collector', args)).stdout)).toEqual(wanted);
        }, doneMsMax);
      }
      expect(await metric(collector.url, 'windrow_records_quarantined_total')).toBe(0);
    },
    4 * doneMsMax,
  );

  it(
    'writes as a SEEDS B worker: the machine is on the page with rates and processes; its test is answered',
    async () => {
      await using cluster = await startCluster();
      const { brokers } = cluster;
      await using collector = await startCollector({ args: ['--kafka', brokers.join(',')] });
      await untilReady(collector, doneMsMax);
      const seconds = Math.floor(Date.now() / 1_000);
      const process = { pid: 7, name: 'python.exe', cpu_percent: 12.5, memory_percent: 3.5 };
      const messages = [4, 2, 0].map((ago, i) => ({
        machine_id: 'machine_46',
        timestamp: seconds - ago + 0.12,
        cpu_usage: 81.5,
        memory_usage: 40,
        disk_io: { read: i * 3_000, write: i * 1_000 },
        network_io: { sent: i * 500, recv: i * 2_000 },
        top_cpu_processes: Array.from({ length: 5 }, () => process),
        top_mem_processes: Array.from({ length: 5 }, () => process),
      }));
      await kcatWrite(brokers, SEED_B_TOPIC, [JSON.stringify({ test: 'connection' })]);
      // As a worker does, one after the other: without keys each may be in another partition.
      for (const [i, message] of messages.entries()) {
        await kcatWrite(brokers, SEED_B_TOPIC, [JSON.stringify(message)]);
        await eventually(
          async () =>
            expect(await metric(collector.url, 'windrow_samples_received_total')).toBe(i + 1),
          doneMsMax,
        );
      }
      await eventually(async () => {
        const { servers } = await getJson<FleetView>(`${collector.url}/api/fleet`);
        expect(servers).toMatchObject([{ server_id: 'machine_46', state: 'up' }]);
        const [server] = servers;
        const figures = Object.fromEntries(METRICS.map((name, i) => [name, server?.values[i]]));
        expect(figures).toMatchObject({
          cpu_pct: 81.5,
          mem_pct: 40,
          net_in: 1_000,
          net_out: 250,
          disk_io: 2_000,
        });
        const { processes } = await getJson<ServerView>(
          `${collector.url}/api/servers/${server?.id}`,
        );
        expect(JSON.stringify(processes)).toContain('python.exe');
      }, doneMsMax);
      // In whichever partition it is, nobody waits for it.
      await eventually(
        async () => expect(collector.log()).toContain('connection test received from'),
        doneMsMax,
      );
      expect(await metric(collector.url, 'windrow_records_quarantined_total')).toBe(0);
    },
    4 * doneMsMax,
  );

  it(
    'reads as a SEEDS A consumer what a running agent writes',
    async () => {
      await using cluster = await startCluster();
      using data = tempDir();
      const { brokers } = cluster;
      await using agent = await startAgent({
        to: 'http://127.0.0.1:9',
        args: ['--kafka', brokers.join(','), '--server-id', 'pc-1', '--data', data.path],
        env: { WINDROW_COMPAT: 'seed-a' },
      });
      const fields = {
        'topic-cpu': ['cpu_pct'],
        'topic-mem': ['mem_pct'],
        'topic-net': ['net_in', 'net_out'],
        'topic-disk': ['disk_io'],
      };
      for (const [topic, names] of Object.entries(fields)) {
        const lines = await eventually(async () => {
          const found = await kcatRead(brokers, topic, '%k|%s\\n');
          expect(found.length).toBeGreaterThan(1);
          return found;
        }, doneMsMax);
        for (const line of lines) {
          const [, key, text = ''] = /^([^|]+)\|(.+)$/.exec(line) ?? [];
          const { timestamp, original_ts, server_id, ...values } = JSON.parse(text);
          expect([key, server_id]).toEqual(['pc-1', 'pc-1']);
          for (const time of [timestamp, original_ts]) expect(time).toMatch(/^\d\d:\d\d:\d\d$/);
          expect(Object.keys(values)).toEqual(names);
          for (const value of Object.values(values)) expect(value).toBeTypeOf('number');
        }
      }
      expect(await agent.stop()).toBe(0);
    },
    2 * doneMsMax,
  );
});
