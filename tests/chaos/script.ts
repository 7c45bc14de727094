/**
 * What scripted agents measure: values that tell which sample they belong to, so that a stored
 * sample is recognised by what it holds and not by the numbers that the product gave it.
 */
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { METRICS, type MetricName } from '../../wire/metrics.ts';

/** Samples that one start of an agent takes at most. */
const samplesMax = 100_000;
/** The CPU is busy for so many samples, then idle for as many: rules fire and resolve. */
const busySamples = 25;

export type ScriptedValues = Partial<Record<MetricName, number>>;

/** The `n`-th sample of an agent's `start`-th start, as one number. */
export function sampleNumber(start: number, n: number): number {
  if (n >= samplesMax) throw new Error(`more than ${samplesMax} samples of one start`);
  return start * samplesMax + n;
}

export function startOf(number: number): number {
  return Math.floor(number / samplesMax);
}

export function scriptedValues(number: number): ScriptedValues {
  const busy = Math.floor(number / busySamples) % 2 === 0;
  return {
    cpu_pct: busy ? 90 + (number % 7) : 5 + (number % 11) / 3,
    mem_pct: 40 + (number % 97) / 7,
    net_in: number,
    // A metric that is not always there, and sums that round.
    ...(number % 3 === 0 ? {} : { net_out: number * 0.1 }),
    disk_used_pct: 50 + (number % 13) / 10,
  };
}

/** In METRICS order, as a stored sample of that number must hold them. */
export function expectedValues(number: number): (number | null)[] {
  const values = scriptedValues(number);
  return METRICS.map((metric) => values[metric] ?? null);
}

/** The number of a sample that is in the store. */
export function numberOf(values: readonly (number | null)[]): number {
  return values[METRICS.indexOf('net_in')] ?? Number.NaN;
}

/** Notes a sample that the agent's outbox has taken; a killed process leaves what it wrote. */
export function note(path: string, number: number): void {
  appendFileSync(path, `${number}\n`);
}

export function noted(path: string): number[] {
  if (!existsSync(path)) return [];
  // A line that the kill cut short is no sample that was noted.
  const lines = readFileSync(path, 'utf8').split('\n').slice(0, -1);
  return lines.map(Number);
}
