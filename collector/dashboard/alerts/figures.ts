/** The figures that a rule is about: `cpu_pct.avg`, `net_in.max`, `samples`. Pure. */
import type { AlertView } from '../../api/contract.ts';
import { METRIC_UNITS, type MetricName } from '../../../wire/metrics.ts';
import { ABSENT, percent, rate, shortRate } from '../lib/format.ts';

export type Windows = AlertView['windows'];
export type Unit = '%' | 'B/s' | 'number';

/** Aggregates that are a number, whatever their metric is measured in. */
const counts = new Set(['count', 'servers']);

export function unitOf(figure: string): Unit {
  const [metric = '', aggregate = ''] = figure.split('.');
  const isMetric = (name: string): name is MetricName => Object.hasOwn(METRIC_UNITS, name);
  if (!isMetric(metric) || counts.has(aggregate)) return 'number';
  const unit = METRIC_UNITS[metric];
  // A sum of rates is a rate, but a sum of percents is no percent of anything.
  return unit === '%' && aggregate === 'sum' ? 'number' : unit;
}

export function figureText(figure: string, value: number | null | undefined): string {
  if (typeof value !== 'number') return ABSENT;
  const unit = unitOf(figure);
  if (unit === '%') return percent(value);
  return unit === 'B/s' ? rate(value) : plain(value);
}

/** As a person writes it: `90%`, `2.5 MB/s`. */
export function limitText(figure: string, value: number): string {
  const unit = unitOf(figure);
  if (unit === '%') return `${value}%`;
  return unit === 'B/s' ? shortRate(value) : String(value);
}

export function plain(value: number): string {
  return String(Math.round(value * 10) / 10);
}

/** In the order of their first appearance. */
export function figuresOf(windows: Windows): string[] {
  return [...new Set(windows.flatMap(({ values }) => Object.keys(values)))];
}
