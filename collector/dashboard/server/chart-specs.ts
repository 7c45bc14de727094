/** The charts of a server: which lines, in which colours, on which scale. */
import type { Sample } from '../../../wire/records/sample.ts';
import type { ChartLine, ChartLook } from '../chart/options.ts';
import { decimal, percent, rate, shortRate } from '../lib/format.ts';
import { type LineName, whyAbsent } from '../lib/sample-lines.ts';

/** Its key says where its points come from. */
type ServerLine = ChartLine & { readonly key: LineName };

export interface ServerChartSpec {
  readonly key: string;
  readonly title: string;
  readonly label: string;
  readonly lines: readonly ServerLine[];
  /** Shown alone when nothing but it was measured, as by agents of older systems. */
  readonly whole?: ServerLine;
  /** Areas that stand on one another: the first so many lines. */
  readonly stacked: number;
  readonly scale: Pick<ChartLook, 'top' | 'floor' | 'format' | 'wideAxis'>;
  readonly value: (value: number | null) => string;
  /** Under which name a sample says why a line is absent, where that is not the line's own. */
  readonly reasons?: Partial<Record<LineName, string>>;
}

const axisPercent = (value: number): string => `${value}%`;
const axisNumber = (value: number): string => String(Number(value.toFixed(2)));
const idleRate = 10_000;

export const SERVER_CHARTS: readonly ServerChartSpec[] = [
  {
    key: 'cpu',
    title: 'CPU',
    label: 'CPU by user, system, waiting for disks and stolen by the host, and in total',
    lines: [
      { key: 'cpu_user', label: 'user', color: '--line-1', area: true, width: 0 },
      { key: 'cpu_system', label: 'system', color: '--line-2', area: true, width: 0 },
      { key: 'cpu_iowait', label: 'iowait', color: '--line-8', area: true, width: 0 },
      { key: 'cpu_steal', label: 'steal', color: '--line-6', area: true, width: 0 },
      { key: 'cpu_pct', label: 'total', color: '--ink', width: 1.25 },
    ],
    whole: { key: 'cpu_pct', label: 'total', color: '--line-1', area: true },
    stacked: 4,
    scale: { top: 100, format: axisPercent },
    value: percent,
    reasons: { cpu_user: 'cpu', cpu_system: 'cpu', cpu_iowait: 'cpu', cpu_steal: 'cpu' },
  },
  {
    key: 'memory',
    title: 'Memory',
    label: 'Memory and swap in use',
    lines: [
      { key: 'mem_pct', label: 'memory', color: '--line-3', area: true },
      { key: 'swap_used', label: 'swap', color: '--line-2' },
    ],
    stacked: 0,
    scale: { top: 100, format: axisPercent },
    value: percent,
  },
  {
    key: 'network',
    title: 'Network',
    label: 'Network in and out',
    lines: [
      { key: 'net_in', label: 'in', color: '--line-1', area: true },
      { key: 'net_out', label: 'out', color: '--line-2' },
    ],
    stacked: 0,
    scale: { floor: idleRate, format: shortRate, wideAxis: true },
    value: rate,
  },
  {
    key: 'disk',
    title: 'Disk',
    label: 'Disk reads and writes',
    lines: [
      { key: 'disk_read', label: 'read', color: '--line-7', area: true },
      { key: 'disk_write', label: 'write', color: '--line-4' },
    ],
    whole: { key: 'disk_io', label: 'read and write', color: '--line-7', area: true },
    stacked: 0,
    scale: { floor: idleRate, format: shortRate, wideAxis: true },
    value: rate,
  },
  {
    key: 'load',
    title: 'Load',
    label: 'Processes that run or wait, averaged over a minute',
    lines: [{ key: 'load1', label: '1 min', color: '--line-8', area: true }],
    stacked: 0,
    scale: { floor: 1, format: axisNumber },
    value: decimal,
  },
];

/** The chart as it can be drawn from what there is. */
export function fitted(spec: ServerChartSpec, has: (line: LineName) => boolean): ServerChartSpec {
  const { whole, lines } = spec;
  if (whole === undefined || !has(whole.key)) return spec;
  const parts = lines.filter((line) => line.key !== whole.key);
  return parts.some((line) => has(line.key)) ? spec : { ...spec, lines: [whole], stacked: 0 };
}

/** Why a line has no value now, in words; undefined when it has one or nothing is known. */
export function whyNoLine(
  spec: ServerChartSpec,
  line: LineName,
  sample: Sample | null,
): string | undefined {
  if (line === 'swap_used' && sample?.swap_total === 0) return 'this machine has no swap';
  return whyAbsent(sample, line) ?? whyAbsent(sample, spec.reasons?.[line] ?? line);
}

/** Swap comes in bytes and is shown as a share, like the memory beside it. */
export function factorOf(line: LineName, sample: Sample | null): number {
  if (line !== 'swap_used') return 1;
  const total = sample?.swap_total ?? 0;
  return total > 0 ? 100 / total : Number.NaN;
}
