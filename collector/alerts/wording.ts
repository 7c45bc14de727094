/** Sentences about alerts. */
import { METRIC_UNITS, type MetricName } from '../../wire/metrics.ts';

const UNITS = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1_000],
] as const;

/** `2m`, `1h 30m`, `10s`; the two largest units. */
export function durationText(ms: number): string {
  let restMs = Math.round(ms / 1_000) * 1_000;
  const parts: string[] = [];
  for (const [unit, unitMs] of UNITS) {
    const count = Math.floor(restMs / unitMs);
    restMs -= count * unitMs;
    if (count > 0) parts.push(`${count}${unit}`);
  }
  return parts.slice(0, 2).join(' ') || '0s';
}

/** `cpu_pct.avg 97.3, samples 30` */
function valuesText(values: Readonly<Record<string, number>>): string {
  return Object.entries(values)
    .map(([name, value]) => `${name} ${valueText(name, value)}`)
    .join(', ');
}

/** `cpu_pct.avg 97.3 for 2m` */
export function reasonText(values: Readonly<Record<string, number>>, heldMs: number): string {
  return `${valuesText(values)}${heldMs > 0 ? ` for ${durationText(heldMs)}` : ''}`;
}

const BYTE_UNITS = ['B/s', 'kB/s', 'MB/s', 'GB/s', 'TB/s'];

function valueText(name: string, value: number): string {
  const [metric = '', figure] = name.split('.');
  const isAmount = figure !== undefined && figure !== 'count' && figure !== 'servers';
  if (!isAmount || METRIC_UNITS[metric as MetricName] !== 'B/s') return rounded(value);
  const power = Math.max(0, Math.floor(Math.log10(Math.abs(value) || 1) / 3));
  const unit = Math.min(power, BYTE_UNITS.length - 1);
  return `${rounded(value / 1000 ** unit)} ${BYTE_UNITS[unit]}`;
}

function rounded(value: number): string {
  return String(Math.round(value * 10) / 10);
}
