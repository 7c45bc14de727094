import { availableParallelism, cpus } from 'node:os';

/** What a benchmark gives: the last line that `npm run bench -- NAME` prints is one of these. */
export interface BenchResult {
  readonly bench: string;
  /** Medians, each with its unit at the end of its name. */
  readonly figures: Record<string, number>;
  /** Quotients of two things measured in the same run. */
  readonly ratios: Record<string, number>;
}

/** The middle of the values; of an even number of them the mean of the middle two. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const high = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? high : ((sorted[middle - 1] ?? Number.NaN) + high) / 2;
}

/** Nearest rank. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN;
}

/** To three significant digits: more would pretend that a run can be repeated to them. */
export function rounded(value: number): number {
  return Number(value.toPrecision(3));
}

/** The machine that figures are true of. */
export function machineName(): string {
  const model = cpus()[0]?.model.trim() ?? 'unknown CPU';
  return `${model}, ${availableParallelism()} cores, Node ${process.versions.node}, ${process.platform}`;
}

/** A table of everything, then the result as one line of JSON, which is the last. */
export function printResult(result: BenchResult): void {
  const { bench, figures, ratios } = result;
  const names = [...Object.keys(figures), ...Object.keys(ratios)];
  const width = Math.max(...names.map((name) => name.length));
  console.log(`\n${bench} on ${machineName()}`);
  for (const [name, value] of Object.entries(figures)) {
    console.log(`  ${name.padEnd(width)}  ${value.toLocaleString('en').padStart(14)}`);
  }
  for (const [name, value] of Object.entries(ratios)) {
    console.log(`  ${name.padEnd(width)}  ${`${value.toLocaleString('en')} ×`.padStart(14)}`);
  }
  console.log(JSON.stringify(result));
}
