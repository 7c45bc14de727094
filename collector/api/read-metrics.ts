/** Metrics that are read when somebody asks for them. */
import { Counter, Gauge, type OpenMetricsContentType, type Registry } from 'prom-client';

export interface ReadMetric {
  readonly name: string;
  readonly help: string;
  readonly read: () => number;
}

type Metrics = Registry<OpenMetricsContentType>;

/** Of what only grows while this process runs. */
export function addCounter(registry: Metrics, { name, help, read }: ReadMetric): void {
  const counter: Counter = new Counter({
    name,
    help,
    registers: [registry],
    collect: () => {
      counter.reset();
      counter.inc(read());
    },
  });
}

export function addGauge(registry: Metrics, { name, help, read }: ReadMetric): void {
  const gauge: Gauge = new Gauge({
    name,
    help,
    registers: [registry],
    collect: () => gauge.set(read()),
  });
}
