/**
 * A histogram without labels that notes a value by counting it. prom-client's own makes five objects
 * of each, and a text: of every sample that is too much.
 */
import type { Metric, OpenMetricsContentType, Registry } from 'prom-client';

export interface HistogramOptions {
  readonly name: string;
  readonly help: string;
  /** Upper bounds, ascending; what equals one is below it. */
  readonly buckets: readonly number[];
}

export class PlainHistogram {
  readonly name: string;
  readonly type = 'histogram';
  readonly #help: string;
  readonly #bounds: readonly number[];
  /** Of each bucket alone; the last is what lies beyond every bound. */
  readonly #counts: Float64Array;
  #sum = 0;

  constructor({ name, help, buckets }: HistogramOptions) {
    this.name = name;
    this.#help = help;
    this.#bounds = buckets;
    this.#counts = new Float64Array(buckets.length + 1);
  }

  note(value: number): void {
    const bounds = this.#bounds;
    let bucket = 0;
    while (bucket < bounds.length && value > bounds[bucket]!) bucket += 1;
    this.#counts[bucket]! += 1;
    this.#sum += value;
  }

  /** As a registry of prom-client asks each metric. */
  get() {
    const { name, type } = this;
    let count = 0;
    const buckets = [...this.#bounds, '+Inf'].map((le, i) => {
      count += this.#counts[i]!;
      return { metricName: `${name}_bucket`, labels: { le }, value: count };
    });
    const values = [
      ...buckets,
      { metricName: `${name}_sum`, value: this.#sum },
      { metricName: `${name}_count`, value: count },
    ];
    return { name, help: this.#help, type, values };
  }
}

export function addHistogram(
  registry: Registry<OpenMetricsContentType>,
  options: HistogramOptions,
): PlainHistogram {
  const histogram = new PlainHistogram(options);
  // The types name prom-client's own four, of which a registry uses no more than this has.
  registry.registerMetric(histogram as unknown as Metric);
  return histogram;
}
