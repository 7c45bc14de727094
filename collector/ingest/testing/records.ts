/** Records as senders make them. */
import { INVENTORY_TOPIC, type RawRecord, SAMPLES_TOPIC } from '../../../wire/records/record.ts';
import { WIRE_VERSION } from '../../../wire/version.ts';

export interface MadeSample {
  readonly ts: number;
  readonly seq: number;
  readonly server_id?: string;
  readonly boot_id?: string;
  readonly origin_ms?: number;
  readonly [metric: string]: unknown;
}

export function sample(fields: MadeSample): RawRecord {
  const value = { v: WIRE_VERSION, server_id: 'pc', boot_id: 'boot', ...fields };
  return { topic: SAMPLES_TOPIC, value };
}

/** One sample a second from `fromMs` on, whose values tell their place. */
export function steady(
  fromMs: number,
  count: number,
  fields: Partial<MadeSample> = {},
): RawRecord[] {
  const first = fields.seq ?? 0;
  return Array.from({ length: count }, (_, i) =>
    sample({ cpu_pct: (first + i) % 100, ...fields, ts: fromMs + i * 1_000, seq: first + i }),
  );
}

export function goodbye(serverId = 'pc', bootId = 'boot', ts = 0): RawRecord {
  const value = { v: WIRE_VERSION, kind: 'goodbye', server_id: serverId, boot_id: bootId, ts };
  return { topic: SAMPLES_TOPIC, value };
}

export function endOfReplay(bootId: string, originMs: number): RawRecord {
  const value = { v: WIRE_VERSION, kind: 'end', boot_id: bootId, origin_ms: originMs };
  return { topic: SAMPLES_TOPIC, value };
}

export function inventory(serverId = 'pc'): RawRecord {
  const facts = {
    hostname: serverId,
    os: 'Linux',
    kernel: '6',
    arch: 'x64',
    cpu_model: 'CPU',
    cpu_cores: 2,
    cpu_physical_cores: 1,
    mem_total: 1,
    disks: [],
    interfaces: [],
  };
  const identity = { v: WIRE_VERSION, server_id: serverId, boot_id: 'boot', ts: 1 };
  return { topic: INVENTORY_TOPIC, value: { ...identity, agent_version: '1', facts } };
}

/** SEEDS A: one metric of one moment, with a time of day and no date. */
export function seedA(metric: string, tsMs: number, fields: Record<string, unknown>): RawRecord {
  const clock = new Date(tsMs).toISOString().slice(11, 19);
  const value = { timestamp: clock, original_ts: clock, server_id: 'server_1', ...fields };
  return { topic: `topic-${metric}`, key: 'server_1', value, timeMs: tsMs };
}

/** SEEDS B: cumulative counters of network and disk. */
export function seedB(
  tsMs: number,
  counters: { recv: number; sent: number; read: number; write: number } | undefined,
): RawRecord {
  const value = {
    machine_id: 'machine_46',
    timestamp: tsMs / 1_000,
    cpu_usage: 12.5,
    memory_usage: 50,
    ...(counters === undefined
      ? {}
      : {
          disk_io: { read: counters.read, write: counters.write },
          network_io: { sent: counters.sent, recv: counters.recv },
        }),
  };
  return { topic: 'system_metrics', key: 'machine_46', value };
}
