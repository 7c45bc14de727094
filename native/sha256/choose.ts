/** Which engine is the fastest for the work at hand, by what was measured on this machine. Pure. */
import { ENGINE_NAMES, type EngineName } from './engine.ts';

/** Megabytes (10^6) a second of one thread: with a single stream, and with all `lanes` busy. */
export interface Rate {
  readonly lanes: number;
  readonly oneMbps: number;
  readonly fullMbps: number;
}

export type Rates = Readonly<Record<EngineName, Rate>>;

/** How many streams there are to hash side by side, on how many threads. */
export interface Load {
  readonly streams: number;
  readonly threads: number;
}

/** MB/s of all threads together, the streams spread over them as evenly as can be. */
export function throughputOf(engine: EngineName, rates: Rates, { streams, threads }: Load): number {
  const fewest = Math.floor(streams / threads);
  const withOneMore = streams % threads;
  const rate = rates[engine];
  return (
    withOneMore * ofThread(rate, fewest + 1) + (threads - withOneMore) * ofThread(rate, fewest)
  );
}

/** Of equals the first of ENGINE_NAMES. */
export function fastestEngine(rates: Rates, load: Load): EngineName {
  return ENGINE_NAMES.reduce((best, name) =>
    throughputOf(name, rates, load) > throughputOf(best, rates, load) ? name : best,
  );
}

/** A lane without a stream costs as much as one with: two of four lanes are half the speed. */
function ofThread({ lanes, oneMbps, fullMbps }: Rate, streams: number): number {
  if (streams === 0) return 0;
  if (streams === 1) return oneMbps;
  return (fullMbps * Math.min(streams, lanes)) / lanes;
}
