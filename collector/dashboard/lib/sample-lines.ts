/** A sample as points of the server's charts, under the names that the collector's history uses. */
import type { DetailLine } from '../../api/contract.ts';
import type { MetricName } from '../../../wire/metrics.ts';
import type { Sample } from '../../../wire/records/sample.ts';

export type LineName = MetricName | DetailLine;

export const LINES: readonly {
  readonly name: LineName;
  readonly of: (sample: Sample) => number | undefined;
}[] = [
  { name: 'cpu_pct', of: (sample) => sample.cpu_pct },
  { name: 'mem_pct', of: (sample) => sample.mem_pct },
  { name: 'net_in', of: (sample) => sample.net_in },
  { name: 'net_out', of: (sample) => sample.net_out },
  { name: 'disk_io', of: (sample) => sample.disk_io },
  { name: 'disk_used_pct', of: (sample) => sample.disk_used_pct },
  { name: 'cpu_user', of: (sample) => sample.cpu?.user },
  { name: 'cpu_system', of: (sample) => sample.cpu?.system },
  { name: 'cpu_iowait', of: (sample) => sample.cpu?.iowait },
  { name: 'cpu_steal', of: (sample) => sample.cpu?.steal },
  { name: 'load1', of: (sample) => sample.load1 },
  { name: 'swap_used', of: (sample) => sample.swap_used },
  { name: 'disk_read', of: (sample) => sample.disk_read },
  { name: 'disk_write', of: (sample) => sample.disk_write },
];

/**
 * Why a metric is absent, in words for a tooltip; undefined when the sample has no such word.
 * A part of a group may be explained by the group: `processes` for `processes.by_io`.
 */
export function whyAbsent(sample: Sample | null, metric: string): string | undefined {
  const reasons = sample?.unavailable ?? {};
  // Reasons are keyed by names from the wire: only own keys count, not `constructor`.
  for (const key of [metric, metric.split('.')[0] ?? metric]) {
    if (Object.hasOwn(reasons, key)) return `${key}: ${reasons[key] ?? ''}`;
  }
  return undefined;
}
