/** How fast each engine hashes on this thread. It blocks the thread: others run it in a worker. */
import type { Clock } from '../../runtime/clock.ts';
import type { Rate, Rates } from './choose.ts';
import { ENGINE_NAMES, type EngineName, type HashGroup, laneBufferBytes } from './engine.ts';
import { ENGINES } from './engines.ts';

/** Fits a second-level cache four times over, and takes milliseconds, as a time slice does. */
const pieceBytes = laneBufferBytes / 4;
/** Some twenty rounds, in which WebAssembly gets its optimised code too. */
const enoughCpuMs = 100;
const roundsMin = 4;
const roundsMax = 40;

export interface MeasureOptions {
  readonly clock: Pick<Clock, 'monotonicMs'>;
  /** CPU time of this thread so far. */
  readonly cpuMs: () => number;
  /** No round begins after so long, but for the first `roundsMin`. */
  readonly forMs: number;
}

export interface Measured {
  readonly rates: Rates;
  /** Whether the machine left this thread enough time; else an engine may be taken for slow. */
  readonly isEnough: boolean;
}

/**
 * The fastest of many short rounds, in which the engines take turns: what else runs on the machine
 * only ever makes a round slower, and compiling makes the first ones so.
 */
export async function measureRates({ clock, cpuMs, forMs }: MeasureOptions): Promise<Measured> {
  const endMs = clock.monotonicMs() + forMs;
  const contenders = await Promise.all(ENGINE_NAMES.map(contender));
  const endCpuMs = cpuMs() + enoughCpuMs;
  const isEnough = (): boolean => cpuMs() >= endCpuMs;
  for (let round = 0; round < roundsMax; round += 1) {
    if (round >= roundsMin && (isEnough() || clock.monotonicMs() >= endMs)) break;
    for (const { group, rate } of contenders) {
      rate.oneMbps = Math.max(rate.oneMbps, mbpsOf(group, 1, clock));
      const fullMbps = rate.lanes === 1 ? rate.oneMbps : mbpsOf(group, rate.lanes, clock);
      rate.fullMbps = Math.max(rate.fullMbps, fullMbps);
    }
  }
  const rates = Object.fromEntries(contenders.map(({ name, rate }) => [name, rate])) as Rates;
  return { rates, isEnough: isEnough() };
}

interface Contender {
  readonly name: EngineName;
  readonly group: HashGroup;
  readonly rate: { -readonly [Key in keyof Rate]: Rate[Key] };
}

async function contender(name: EngineName): Promise<Contender> {
  const group = await ENGINES[name].create();
  return { name, group, rate: { lanes: group.lanes, oneMbps: 0, fullMbps: 0 } };
}

function mbpsOf(group: HashGroup, streams: number, clock: MeasureOptions['clock']): number {
  const chunks = Array.from({ length: streams }, (_, lane) =>
    group.buffer(lane).subarray(0, pieceBytes),
  );
  const startMs = clock.monotonicMs();
  group.update(chunks);
  return (streams * pieceBytes) / ((clock.monotonicMs() - startMs) * 1000);
}
