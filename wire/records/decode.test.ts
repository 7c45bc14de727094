import fc from '../../runtime/testing/property.ts';
import { describe, expect, it } from 'vitest';
import { METRICS } from '../metrics.ts';
import { decodeRecord } from './decode.ts';
import type { DecodedSample } from './decoded.ts';
import type { RawRecord } from './record.ts';

const noon = Date.parse('2026-03-01T12:00:00Z');

function sample(record: RawRecord, receivedMs = noon): DecodedSample {
  const decoded = decodeRecord(record, receivedMs);
  if (decoded.kind !== 'sample') throw new Error(JSON.stringify(decoded));
  return decoded;
}

function reason(record: RawRecord): string {
  const decoded = decodeRecord(record, noon);
  if (decoded.kind !== 'malformed') throw new Error(`it is a ${decoded.kind}`);
  return decoded.reason;
}

function metrics(decoded: DecodedSample): Record<string, number> {
  const pairs = METRICS.map((metric, i) => [metric, decoded.values[i] ?? Number.NaN] as const);
  return Object.fromEntries(pairs.filter(([, value]) => !Number.isNaN(value)));
}

const own = { v: 1, server_id: 'pc-1', ts: noon, boot_id: 'b', seq: 3, cpu_pct: 12.5, load1: 0.5 };

describe('our own samples', () => {
  it('become values, identity and detail', () => {
    const decoded = sample({ topic: 'windrow-samples', value: own });
    expect(metrics(decoded)).toEqual({ cpu_pct: 12.5 });
    expect(decoded.identity).toEqual({ bootId: 'b', seq: 3 });
    expect(decoded.detail).toBe('{"load1":0.5}');
  });

  it('are known by shape when the topic is missing', () => {
    expect(sample({ value: own }).serverId).toBe('pc-1');
  });

  it('may carry fields that this version does not know', () => {
    expect(sample({ value: { ...own, later_field: { a: 1 } } }).detail).toBe('{"load1":0.5}');
  });

  it.each([
    [{ cpu_pct: '5' }, /^sample cpu_pct/],
    [{ uptime_s: Number.POSITIVE_INFINITY }, /^sample uptime_s/],
    [{ cpu_pct: Number.NaN }, /^sample cpu_pct/],
    [{ net_in: 1e19 }, /^sample net_in/],
    [{ load1: -1 }, /^sample load1/],
    [{ ts: 1.5 }, /^sample ts/],
    [{ seq: -1 }, /^sample seq/],
    [{ server_id: '' }, /^sample server_id/],
    [{ server_id: 'a\nb' }, /^sample server_id/],
    [{ server_id: 'a‮b' }, /^sample server_id/],
    [{ boot_id: '../x' }, /^sample boot_id/],
    [{ v: 2 }, /^sample v/],
  ])('%j is malformed by name', (change, message) => {
    expect(reason({ topic: 'windrow-samples', value: { ...own, ...change } })).toMatch(message);
  });

  it('goodbye and end are signals', () => {
    const goodbye = { v: 1, kind: 'goodbye', server_id: 's', boot_id: 'b', ts: noon };
    expect(decodeRecord({ value: goodbye }, noon).kind).toBe('goodbye');
    const end = { v: 1, kind: 'end', boot_id: 'b', origin_ms: 0 };
    expect(decodeRecord({ value: end }, noon).kind).toBe('end');
  });
});

/** Colours, a new line, a C1 command, a text that turns round, half a character, a separator of lines. */
const acting = ['a\u001B[31mb', 'a\nb', 'a\u009B31mb', 'a\u202Eb', 'a\uD800b', 'a\u2028b'];
const inert = ['a\uFFFD[31mb', 'a\uFFFDb', 'a\uFFFD31mb', 'a\uFFFDb', 'a\uFFFDb', 'a\uFFFDb'];

describe('what would act where it is shown', () => {
  it.each(acting.map((text, i) => [text, inert[i]]))('does not as a name: %j', (text, expected) => {
    const row = { pid: 1, name: text, cpu_pct: 1, mem_pct: 1 };
    const processes = { by_cpu: [row], by_mem: [row] };
    const fs = [{ mount: text, total: 1, used: 1, used_pct: 100 }];
    const nets = [{ name: text, in: 0, out: 0 }];
    const unavailable = { [text]: text };
    const decoded = sample({ value: { ...own, processes, fs, nets, unavailable } });
    expect(decoded.processes?.by_cpu[0]?.name).toBe(expected);
    expect(JSON.parse(decoded.detail ?? '')).toMatchObject({
      processes: { by_mem: [{ name: expected }] },
      fs: [{ mount: expected }],
      nets: [{ name: expected }],
      unavailable: { [expected ?? '']: expected },
    });
  });

  it('does not in the reason why a record is refused, nor in who tests the connection', () => {
    const unavailable = { 'a\u001B[31mb': 1 };
    expect(reason({ value: { ...own, unavailable } })).toMatch(
      /^sample unavailable\.a\uFFFD\[31mb:/,
    );
    const test = { topic: 'system_metrics', key: 'a\u001B[31mb', value: { test: 'connection' } };
    expect(decodeRecord(test, noon)).toEqual({ kind: 'connection-test', from: 'a\uFFFD[31mb' });
  });

  it('leaves what people write as it is', () => {
    const name = 'Бюро ☕ 工具 é 👩‍💻';
    const row = { pid: 1, name, cpu_pct: 1, mem_pct: 1 };
    const processes = { by_cpu: [row], by_mem: [] };
    expect(sample({ value: { ...own, processes } }).processes?.by_cpu[0]?.name).toBe(name);
  });
});

describe('the four topics of server metrics', () => {
  const value = { timestamp: '05:47:30', original_ts: '20:52:00', server_id: 'server_1' };

  it.each([
    ['topic-cpu', { cpu_pct: 87.78 }, 0],
    ['topic-mem', { mem_pct: 51.1 }, 1],
    ['topic-net', { net_in: 5951.72, net_out: 3849.57 }, 2],
    ['topic-disk', { disk_io: 362.92 }, 3],
  ])('%s is a lane of its own', (topic, fields, lane) => {
    for (const named of [topic, undefined]) {
      const decoded = sample({ topic: named, value: { ...value, ...fields } });
      expect(metrics(decoded)).toEqual(fields);
      expect(decoded.lane).toBe(lane);
      expect(decoded.identity).toBeUndefined();
    }
  });

  it.each([
    ['2026-03-01T20:53:00Z', '20:52:00', '2026-03-01T20:52:00Z'],
    ['2026-03-02T00:00:05Z', '23:59:58', '2026-03-01T23:59:58Z'],
    ['2026-03-01T23:59:58Z', '00:00:05', '2026-03-02T00:00:05Z'],
    ['2026-03-01T05:47:30Z', '20:52:00', '2026-02-28T20:52:00Z'],
  ])('sent at %s, %s is %s', (sentAt, original, expected) => {
    const record = { ...value, original_ts: original, cpu_pct: 1 };
    const decoded = sample({ topic: 'topic-cpu', value: record, timeMs: Date.parse(sentAt) });
    expect(decoded.tsMs).toBe(Date.parse(expected));
  });

  it('a time that is none is malformed', () => {
    const record = { ...value, original_ts: '25:00:00', cpu_pct: 1 };
    expect(reason({ topic: 'topic-cpu', value: record })).toMatch(/original_ts/);
  });
});

describe('system_metrics of the master–worker system', () => {
  const value = {
    machine_id: 'machine_46',
    timestamp: 1763632800.12,
    cpu_usage: 12,
    memory_usage: 34,
    disk_io: { read: 100, write: 50 },
    network_io: { sent: 7, recv: 9 },
    top_cpu_processes: [{ pid: 1, name: null, cpu_percent: 150, memory_percent: null }],
    top_mem_processes: [],
  };

  it('has values, cumulative counters and processes', () => {
    const decoded = sample({ topic: 'system_metrics', value });
    expect(decoded.tsMs).toBe(1763632800120);
    expect(metrics(decoded)).toEqual({ cpu_pct: 12, mem_pct: 34 });
    expect(decoded.counters).toEqual({ netIn: 9, netOut: 7, diskIo: 150 });
    expect(JSON.parse(decoded.detail ?? '')).toEqual({
      processes: { by_cpu: [{ pid: 1, name: '', cpu_pct: 150, mem_pct: 0 }], by_mem: [] },
    });
  });

  it('answers the connection test, which is no error', () => {
    const decoded = decodeRecord(
      { topic: 'system_metrics', key: 'm', value: { test: 'connection' } },
      0,
    );
    expect(decoded).toEqual({ kind: 'connection-test', from: 'm' });
  });
});

describe('anything else', () => {
  it('of an unknown topic or shape is malformed', () => {
    expect(reason({ topic: 'other', value: own })).toBe('topic is not known');
    expect(reason({ value: { a: 1 } })).toBe('value has no known shape');
    for (const value of [null, 1, 'x', []]) expect(reason({ value })).toMatch(/not a JSON object/);
  });

  it('never makes the decoder throw', () => {
    const topics = [
      'windrow-samples',
      'windrow-inventory',
      'topic-cpu',
      'system_metrics',
      undefined,
    ];
    const fields = [
      'v',
      'kind',
      'server_id',
      'machine_id',
      'original_ts',
      'facts',
      'test',
      'ts',
      'cpu_pct',
      'processes',
      'disk_io',
    ];
    const value = fc.oneof(
      fc.jsonValue(),
      fc.dictionary(fc.constantFrom(...fields), fc.jsonValue()),
    );
    fc.assert(
      fc.property(fc.constantFrom(...topics), value, (topic, hostile) => {
        expect(decodeRecord({ topic, value: hostile }, noon).kind).toBeTypeOf('string');
      }),
      { numRuns: 2_000 },
    );
  });
});
