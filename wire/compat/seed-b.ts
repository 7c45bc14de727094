/**
 * The master–worker system's topic `system_metrics`: one record for each machine every 2 s, with
 * network and disk as cumulative counters, or the connection test {"test":"connection"}.
 */
import { z } from 'zod';
import { METRICS } from '../metrics.ts';
import type { Decoder } from '../records/decoded.ts';
import { amount, inert, name, serverId } from '../records/fields.ts';
import { malformed } from '../records/malformed.ts';
import type { Processes, ProcessRow } from '../records/sample.ts';
import { timestampMsMax, topProcessesMax } from '../limits.ts';

export const SEED_B_TOPIC = 'system_metrics';

/** Python's psutil writes null for what it may not read. */
const processSchema = z.object({
  pid: z.number().int().min(0),
  name: name.nullish(),
  cpu_percent: amount.nullish(),
  memory_percent: z.number().min(0).max(100).nullish(),
});
const processesSchema = z.array(processSchema).max(topProcessesMax).optional();

const schema = z.object({
  machine_id: serverId,
  /** Seconds since the epoch. */
  timestamp: z
    .number()
    .min(0)
    .max(timestampMsMax / 1000),
  // Its measuring noise may pass 100 by a little.
  cpu_usage: amount.transform((percent) => Math.min(percent, 100)),
  memory_usage: amount.transform((percent) => Math.min(percent, 100)),
  disk_io: z.object({ read: amount, write: amount }).optional(),
  network_io: z.object({ sent: amount, recv: amount }).optional(),
  top_cpu_processes: processesSchema,
  top_mem_processes: processesSchema,
});

const testSchema = z.object({ test: z.literal('connection') });

export const decodeSeedB: Decoder = ({ key, value }) => {
  if (testSchema.safeParse(value).success) {
    return { kind: 'connection-test', from: key === undefined ? undefined : inert(key) };
  }
  const parsed = schema.safeParse(value);
  if (!parsed.success) return malformed(SEED_B_TOPIC, parsed.error);
  const record = parsed.data;
  const known: Readonly<Record<string, number>> = {
    cpu_pct: record.cpu_usage,
    mem_pct: record.memory_usage,
  };
  const tsMs = Math.round(record.timestamp * 1000);
  return {
    kind: 'sample',
    serverId: record.machine_id,
    tsMs,
    // It sends what it measures at once.
    sentMs: tsMs,
    values: METRICS.map((metric) => known[metric] ?? Number.NaN),
    lane: 0,
    counters: {
      netIn: record.network_io?.recv ?? Number.NaN,
      netOut: record.network_io?.sent ?? Number.NaN,
      diskIo:
        record.disk_io === undefined ? Number.NaN : record.disk_io.read + record.disk_io.write,
    },
    ...detailOf(record),
  };
};

/** Whether a value without topic has this system's shape. */
export function looksLikeSeedB(value: object): boolean {
  return 'machine_id' in value || 'test' in value;
}

function detailOf(
  record: z.infer<typeof schema>,
): { detail: string; processes: Processes } | undefined {
  if (record.top_cpu_processes === undefined && record.top_mem_processes === undefined) return;
  const byCpu = (record.top_cpu_processes ?? []).map(toRow);
  const byMem = (record.top_mem_processes ?? []).map(toRow);
  const processes = { by_cpu: byCpu, by_mem: byMem };
  return { detail: JSON.stringify({ processes }), processes };
}

function toRow(process: z.infer<typeof processSchema>): ProcessRow {
  return {
    pid: process.pid,
    name: process.name ?? '',
    cpu_pct: process.cpu_percent ?? 0,
    mem_pct: process.memory_percent ?? 0,
  };
}
