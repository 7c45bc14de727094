/** What /metrics tells about received files. */
import type { OpenMetricsContentType, Registry } from 'prom-client';
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
}

type Metric = readonly [name: string, key: keyof BlockFigures, help: string];

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
}
