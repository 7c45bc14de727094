/**
 * The metrics that become windows and columns of the store, in the order of every values array:
 * `values[i]` is the value of `METRICS[i]`, NaN when it is unavailable. Append-only.
 */
export const METRICS = [
  'cpu_pct',
  'mem_pct',
  'net_in',
  'net_out',
  'disk_io',
  'disk_used_pct',
] as const;

export type MetricName = (typeof METRICS)[number];

/** Units, for people: percent of the whole machine, or bytes a second. */
export const METRIC_UNITS: Readonly<Record<MetricName, '%' | 'B/s'>> = {
  cpu_pct: '%',
  mem_pct: '%',
  net_in: 'B/s',
  net_out: 'B/s',
  disk_io: 'B/s',
  disk_used_pct: '%',
};
