/**
 * A sample: all that one tick of one machine measured, whole, in one record on `windrow-samples`.
 *
 *   {v, server_id, ts, boot_id, seq, interval_ms, …metrics, unavailable?, origin_ms?}
 *
 * A metric that could not be read is absent, and `unavailable` says why; it is never 0.
 * `origin_ms` marks a replayed record: the earliest event of its file, to which windows align;
 * its `boot_id` is then the SHA-256 of the file and its `seq` counts the server's own rows.
 */
import { z } from 'zod';
import { coresMax, disksMax, fileSystemsMax, interfacesMax, topProcessesMax } from '../limits.ts';
import { WIRE_VERSION } from '../version.ts';
import {
  amount,
  bootId,
  measured,
  name,
  percent,
  reason,
  seq,
  serverId,
  timestampMs,
} from './fields.ts';

/**
 * Share of the CPU's time in each mode, percent. `pct` is all but idle and iowait. The last two are
 * absent where the system does not count them (Windows).
 */
const cpuModes = z.object({
  pct: percent,
  user: percent,
  system: percent,
  iowait: percent.optional(),
  steal: percent.optional(),
});

/** Bytes a second. */
const networkInterface = z.object({ name, in: amount, out: amount });
/** Bytes a second. */
const disk = z.object({ name, read: amount, write: amount });
/** Bytes; `inodes_pct` is absent where the file system has no fixed number of inodes. */
const fileSystem = z.object({
  mount: name,
  total: amount,
  used: amount,
  used_pct: percent,
  inodes_pct: percent.optional(),
});

/**
 * One process. `cpu_pct` is percent of one core (a process on four cores may have 400),
 * `mem_pct` of the machine's memory, `rss` bytes (not every old format tells it), `read` and `write` bytes a second of real disk
 * I/O; the last two are absent when the kernel does not let the agent read them.
 */
const processRow = z.object({
  pid: z.number().int().min(0),
  name,
  cpu_pct: amount,
  mem_pct: percent,
  rss: amount.optional(),
  read: amount.optional(),
  write: amount.optional(),
});
const processList = z.array(processRow).max(topProcessesMax);

/** The largest processes by each measure; `by_io` is absent when no process's I/O can be read. */
const processes = z.object({
  count: z.number().int().min(0).optional(),
  by_cpu: processList,
  by_mem: processList,
  by_io: processList.optional(),
});

export const sampleSchema = z.object({
  v: z.literal(WIRE_VERSION),
  server_id: serverId,
  ts: timestampMs,
  boot_id: bootId,
  seq,
  interval_ms: z.number().int().min(1).max(60_000).optional(),
  origin_ms: timestampMs.optional(),

  // The metrics of METRICS. Replayed files of other systems hold them too, so their range is wide.
  cpu_pct: measured.optional(),
  mem_pct: measured.optional(),
  net_in: measured.optional(),
  net_out: measured.optional(),
  disk_io: measured.optional(),
  /** Used share of the fullest local file system, percent. */
  disk_used_pct: measured.optional(),

  cpu: cpuModes.optional(),
  cores: z.array(cpuModes).max(coresMax).optional(),
  load1: amount.optional(),
  load5: amount.optional(),
  load15: amount.optional(),
  mem_total: amount.optional(),
  mem_used: amount.optional(),
  mem_available: amount.optional(),
  swap_total: amount.optional(),
  swap_used: amount.optional(),
  nets: z.array(networkInterface).max(interfacesMax).optional(),
  disk_read: amount.optional(),
  disk_write: amount.optional(),
  disks: z.array(disk).max(disksMax).optional(),
  fs: z.array(fileSystem).max(fileSystemsMax).optional(),
  uptime_s: measured.optional(),
  processes: processes.optional(),
  /** Metric name → why it is absent, for people: `first_reading`, `EACCES /proc/diskstats`. */
  unavailable: z.record(name, reason).optional(),
});

export type Sample = z.infer<typeof sampleSchema>;
export type CpuModes = z.infer<typeof cpuModes>;
export type NetworkInterface = z.infer<typeof networkInterface>;
export type Disk = z.infer<typeof disk>;
export type FileSystem = z.infer<typeof fileSystem>;
export type ProcessRow = z.infer<typeof processRow>;
export type Processes = z.infer<typeof processes>;

/** What the sampler measures; identity, time and sequence are added by whoever sends it. */
export type Measurements = Omit<
  Sample,
  'v' | 'server_id' | 'ts' | 'boot_id' | 'seq' | 'interval_ms' | 'origin_ms'
>;
