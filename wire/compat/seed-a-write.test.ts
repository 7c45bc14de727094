import fc from '../../runtime/testing/property.ts';
import { describe, expect, it } from 'vitest';
import { METRICS } from '../metrics.ts';
import { decodeSeedA } from './seed-a.ts';
import { seedARecords } from './seed-a-write.ts';

const sentMs = Date.UTC(2026, 10, 21, 5, 47, 30, 999);
const tsMs = Date.UTC(2026, 10, 20, 20, 52, 0, 123);
const sample = {
  v: 1,
  server_id: 'server_1',
  ts: tsMs,
  boot_id: 'b',
  seq: 7,
  cpu_pct: 87.78,
  mem_pct: 51.1091,
  net_in: 5951.72,
  net_out: 3849,
  disk_io: 0.1 + 0.2,
  disk_used_pct: 40,
};
const texts = (value: unknown): string[] =>
  seedARecords(value, sentMs).map(({ topic, value: of }) => `${topic} ${JSON.stringify(of)}`);

describe('seedARecords', () => {
  it('writes four records as the old producer did: fields, their order, shortest numbers', () => {
    const common = '"timestamp":"05:47:30","original_ts":"20:52:00","server_id":"server_1"';
    expect(texts(sample)).toEqual([
      `topic-cpu {${common},"cpu_pct":87.78}`,
      `topic-mem {${common},"mem_pct":51.1091}`,
      `topic-net {${common},"net_in":5951.72,"net_out":3849}`,
      `topic-disk {${common},"disk_io":0.30000000000000004}`,
    ]);
    for (const { key, timeMs } of seedARecords(sample, sentMs)) {
      expect([key, timeMs]).toEqual(['server_1', sentMs]);
    }
  });

  it('a metric that was not measured has no record, and half of the network has none either', () => {
    const { cpu_pct: _cpu, net_out: _net, ...rest } = sample;
    expect(texts(rest).map((text) => text.split(' ')[0])).toEqual(['topic-mem', 'topic-disk']);
  });

  it('what is no sample (a goodbye, the end of a replay) has no copies', () => {
    const goodbye = { v: 1, kind: 'goodbye', server_id: 'a', boot_id: 'b', ts: tsMs };
    expect(seedARecords(goodbye, sentMs)).toEqual([]);
    expect(seedARecords({ v: 1, kind: 'end', boot_id: 'b', origin_ms: 0 }, sentMs)).toEqual([]);
    expect(seedARecords(null, sentMs)).toEqual([]);
  });

  it('what it writes is read back the same, to the second', () => {
    const measured = fc.double({ min: -1e18, max: 1e18, noNaN: true });
    const samples = fc.record({
      server_id: fc.stringMatching(/^[a-zÄ-ü0-9_.-]{1,20}$/),
      ts: fc.integer({ min: sentMs - 11 * 3_600_000, max: sentMs + 11 * 3_600_000 }),
      cpu_pct: measured,
      mem_pct: measured,
      net_in: measured,
      net_out: measured,
      disk_io: measured,
    });
    fc.assert(
      fc.property(samples, (original) => {
        const values = METRICS.map(() => Number.NaN);
        for (const record of seedARecords(original, sentMs)) {
          const value: unknown = JSON.parse(JSON.stringify(record.value));
          const decoded = decodeSeedA({ ...record, value }, sentMs);
          if (decoded.kind !== 'sample') throw new Error(`${record.topic}: ${decoded.kind}`);
          expect(decoded.serverId).toBe(original.server_id);
          expect(decoded.tsMs).toBe(Math.floor(original.ts / 1000) * 1000);
          decoded.values.forEach((read, i) => {
            if (!Number.isNaN(read)) values[i] = read;
          });
        }
        const { cpu_pct, mem_pct, net_in, net_out, disk_io } = original;
        // JSON has no −0.
        const written = [cpu_pct, mem_pct, net_in, net_out, disk_io].map((each) => each + 0);
        expect(values).toEqual([...written, Number.NaN]);
      }),
    );
  });
});
