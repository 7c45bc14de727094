/** What /metrics tells about received files. */
import { Counter, Gauge, type OpenMetricsContentType, type Registry } from 'prom-client';
import { SENDER_ENGINES, type SenderFigures } from '../../blocks/receiving/sender-figures.ts';
import type { Done } from '../../blocks/receiving/stages.ts';
import type { StageTime } from '../../runtime/stage-times.ts';
import { addCounter, addGauge } from './read-metrics.ts';

export interface BlockFigures {
  /** Since the start. */
  readonly blocks: number;
  readonly bytes: number;
  readonly duplicates: number;
  readonly failures: number;
  /** Now. */
  readonly open: number;
  readonly usedBytes: number;
  readonly quotaBytes: number;
  /** What was done to chunks since the start. */
  readonly done: Done;
  /** By which they are hashed here. */
  readonly engine: string;
  /** What senders told with their blocks since the start. */
  readonly senders: Pick<SenderFigures, 'byEngine' | 'readBytes' | 'times'>;
}

type Figure = Exclude<keyof BlockFigures, 'done' | 'engine' | 'senders'>;

type Stages = Readonly<Record<string, StageTime>>;

type Metric = readonly [name: string, key: Figure, help: string];

const COUNTERS: readonly Metric[] = [
  ['windrow_blocks_received', 'blocks', 'Blocks of files that were verified and stored.'],
  ['windrow_blocks_received_bytes', 'bytes', 'Bytes of the blocks stored.'],
  ['windrow_blocks_duplicate', 'duplicates', 'Blocks that came again and were stored before.'],
  ['windrow_blocks_failed', 'failures', 'Blocks that were not what their sender said.'],
];

const GAUGES: readonly Metric[] = [
  ['windrow_blocks_open', 'open', 'Blocks of which something has come, and not all.'],
  ['windrow_blocks_used_bytes', 'usedBytes', 'What stored blocks take of the quota.'],
  ['windrow_blocks_quota_bytes', 'quotaBytes', 'What stored blocks may take in all.'],
];

export function addBlockMetrics(
  registry: Registry<OpenMetricsContentType>,
  read: () => BlockFigures,
): void {
  for (const [name, key, help] of COUNTERS) {
    addCounter(registry, { name, help, read: () => read()[key] });
  }
  for (const [name, key, help] of GAUGES) {
    addGauge(registry, { name, help, read: () => read()[key] });
  }
  addCounter(registry, {
    name: 'windrow_blocks_stage_bytes',
    help: 'Bytes of chunks, uncompressed, that went through the stages.',
    read: () => read().done.rawBytes,
  });
  const stages = (): Stages => read().done.stages;
  addStageCounter(registry, stages, {
    name: 'windrow_blocks_stage_seconds',
    help: 'Time that the stages took, of all threads: with the bytes the speed of each.',
    msOf: ({ ms }) => ms,
  });
  addStageCounter(registry, stages, {
    name: 'windrow_blocks_stage_cpu_seconds',
    help: 'Of that, time of the CPU.',
    msOf: ({ cpuMs }) => cpuMs,
  });
  addCounter(registry, {
    name: 'windrow_blocks_sender_stage_bytes',
    help: 'Bytes that senders read for the stages, as they told with blocks that were stored.',
    read: () => read().senders.readBytes,
  });
  const ofSenders = (): Stages => read().senders.times;
  addStageCounter(registry, ofSenders, {
    name: 'windrow_blocks_sender_stage_seconds',
    help: 'Time that the stages took at senders, of all their threads.',
    msOf: ({ ms }) => ms,
  });
  addStageCounter(registry, ofSenders, {
    name: 'windrow_blocks_sender_stage_cpu_seconds',
    help: 'Of that, time of the CPU.',
    msOf: ({ cpuMs }) => cpuMs,
  });
  const engine: Gauge<'engine'> = new Gauge({
    name: 'windrow_blocks_hash_engine',
    help: 'By which blocks are hashed.',
    labelNames: ['engine'],
    registers: [registry],
    collect: () => engine.set({ engine: read().engine }, 1),
  });
  const blocks: Counter<'engine'> = new Counter({
    name: 'windrow_blocks_sender_engine',
    help: 'Blocks that were stored, by the engine with which their sender hashed them.',
    labelNames: ['engine'],
    registers: [registry],
    collect: () => {
      blocks.reset();
      const { byEngine } = read().senders;
      for (const name of SENDER_ENGINES) blocks.inc({ engine: name }, byEngine.get(name) ?? 0);
    },
  });
}

function addStageCounter(
  registry: Registry<OpenMetricsContentType>,
  read: () => Stages,
  of: { readonly name: string; readonly help: string; readonly msOf: (time: StageTime) => number },
): void {
  const { name, help, msOf } = of;
  const counter: Counter<'stage'> = new Counter({
    name,
    help,
    labelNames: ['stage'],
    registers: [registry],
    collect: () => {
      counter.reset();
      for (const [stage, time] of Object.entries(read()))
        counter.inc({ stage }, msOf(time) / 1_000);
    },
  });
}
