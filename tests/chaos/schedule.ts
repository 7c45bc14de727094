/**
 * What happens in one run, all of it from the seed. Each run has a few kinds of faults only
 * ("swarm testing", A. Groce et al., ISSTA 2012): with all kinds in every run some would hide others.
 */
import { type Damage, DAMAGES } from './queue-file.ts';
import { Dice } from './dice.ts';

/** Faults begin within this time after the start; then everything heals. */
export const faultsMs = 6_000;

/** Shares of an agent's requests that meet a fault on their way. */
export interface Weather {
  /** Waits on its way, both ends connected. */
  readonly delayed: number;
  /** Arrives a second time, at once or later. */
  readonly doubled: number;
  /** The sender sees a reset; the request arrives later, behind others. */
  readonly held: number;
  /** Arrives, and the answer does not. */
  readonly unanswered: number;
  /** Breaks off in the middle of the body. */
  readonly halved: number;
}

export const fairWeather: Weather = {
  delayed: 0,
  doubled: 0,
  held: 0,
  unanswered: 0,
  halved: 0,
};

export interface Timed {
  readonly atMs: number;
}
export interface Lasting extends Timed {
  readonly forMs: number;
}

export type LinkFault = { readonly kind: 'cut' } & Lasting;
export type DiskFault = { readonly kind: 'disk-full' } & Lasting;
export type ProcessFault = { readonly kind: 'killed' | 'restarted' } & Lasting;
export type QueueFault = {
  /** Killed, and its queue's file damaged before it starts again. */
  readonly kind: 'queue-damaged';
  readonly damage: Damage;
  /** Where in the file, from 0 to 1. */
  readonly place: number;
  /** The write-ahead log and not the database. */
  readonly wal: boolean;
} & Lasting;
export type ClockFault = { readonly kind: 'clock-stepped'; readonly byMs: number } & Timed;
export type AgentFault = LinkFault | DiskFault | ProcessFault | QueueFault | ClockFault;
export type CollectorFault = DiskFault | ProcessFault;
/** `down`: no connection; `mute`: it takes what comes and does not answer. */
export type NotifierFault = { readonly kind: 'down' | 'mute' } & Lasting;

export interface AgentPlan {
  readonly serverId: string;
  readonly intervalMs: number;
  readonly weather: Weather;
  readonly faults: readonly AgentFault[];
}

export interface Schedule {
  readonly seed: number;
  readonly agents: readonly AgentPlan[];
  readonly collector: readonly CollectorFault[];
  readonly notifier: readonly NotifierFault[];
  /** When nobody is told of one of the rules; null for never. */
  readonly silence: Lasting | null;
}

/** Kinds of faults that a run has or has not, and in how many of the runs. */
const KINDS = {
  weather: 0.6,
  cuts: 0.6,
  agentKills: 0.5,
  agentRestarts: 0.2,
  collectorKills: 0.5,
  collectorRestarts: 0.2,
  bothKilled: 0.2,
  queueDamage: 0.15,
  agentDisk: 0.1,
  collectorDisk: 0.1,
  clockSteps: 0.15,
  notifier: 0.3,
  silence: 0.4,
} as const;

type Kinds = Readonly<Record<keyof typeof KINDS, boolean>>;

export function scheduleOf(seed: number): Schedule {
  const dice = new Dice(seed);
  const kindsDice = dice.stream('kinds');
  const kinds = Object.fromEntries(
    Object.entries(KINDS).map(([kind, share]) => [kind, kindsDice.chance(share)]),
  ) as Kinds;
  const bothKilledAt = kinds.bothKilled ? times(dice.stream('both'), 2) : [];
  const count = dice.stream('count').between(1, 3);
  return {
    seed,
    agents: Array.from({ length: count }, (_, i) => {
      const own = dice.stream(`agent ${i}`);
      // Of several agents one is left in peace by its own faults, so that others' can be told from it.
      const spared = count > 1 && i === count - 1;
      return {
        serverId: `pc-${seed}-${'abc'[i]}`,
        intervalMs: own.between(50, 150),
        weather: kinds.weather && !spared ? weatherFrom(own.stream('weather')) : fairWeather,
        faults: spared ? [] : agentFaults(own, kinds, i === 0 ? bothKilledAt : []),
      };
    }),
    collector: collectorFaults(dice.stream('collector'), kinds, bothKilledAt),
    notifier: kinds.notifier ? notifierFaults(dice.stream('notifier')) : [],
    silence: kinds.silence ? silenceFrom(dice.stream('silence')) : null,
  };
}

/** For a user who may not mount one. */
export function withoutDisks(schedule: Schedule): Schedule {
  const kept = <Fault extends { readonly kind: string }>(faults: readonly Fault[]): Fault[] =>
    faults.filter(({ kind }) => kind !== 'disk-full');
  return {
    ...schedule,
    agents: schedule.agents.map((agent) => ({ ...agent, faults: kept(agent.faults) })),
    collector: kept(schedule.collector),
  };
}

function weatherFrom(dice: Dice): Weather {
  const share = (): number => (dice.chance(0.6) ? dice.between(1, 15) / 100 : 0);
  return {
    delayed: share(),
    doubled: share(),
    held: share(),
    unanswered: share(),
    halved: share(),
  };
}

function agentFaults(dice: Dice, kinds: Kinds, bothKilledAt: readonly number[]): AgentFault[] {
  const faults: AgentFault[] = bothKilledAt.map((atMs) => ({
    kind: 'killed',
    atMs,
    forMs: dice.between(0, 1_500),
  }));
  const add = (
    kind: 'cut' | 'killed' | 'restarted' | 'disk-full',
    countMax: number,
    forMsMax: number,
  ): void => {
    for (const atMs of times(dice.stream(kind), countMax)) {
      faults.push({ kind, atMs, forMs: dice.between(0, forMsMax) });
    }
  };
  if (kinds.cuts) add('cut', 3, 3_000);
  if (kinds.agentKills) add('killed', 3, 1_000);
  if (kinds.agentRestarts) add('restarted', 2, 500);
  if (kinds.agentDisk) add('disk-full', 1, 3_000);
  if (kinds.queueDamage) faults.push(damageFrom(dice.stream('damage')));
  if (kinds.clockSteps) {
    for (const atMs of times(dice.stream('clock'), 2)) {
      faults.push({ kind: 'clock-stepped', atMs, byMs: dice.between(-8_000, 8_000) });
    }
  }
  return inOrder(faults);
}

function damageFrom(dice: Dice): AgentFault {
  return {
    kind: 'queue-damaged',
    atMs: dice.between(1_000, faultsMs),
    forMs: dice.between(0, 500),
    damage: dice.pick(DAMAGES),
    place: dice.next(),
    wal: dice.chance(0.5),
  };
}

function collectorFaults(
  dice: Dice,
  kinds: Kinds,
  bothKilledAt: readonly number[],
): CollectorFault[] {
  const faults: CollectorFault[] = bothKilledAt.map((atMs) => ({
    kind: 'killed',
    atMs,
    forMs: dice.between(0, 1_500),
  }));
  const add = (kind: CollectorFault['kind'], countMax: number, forMsMax: number): void => {
    for (const atMs of times(dice.stream(kind), countMax)) {
      faults.push({ kind, atMs, forMs: dice.between(0, forMsMax) });
    }
  };
  if (kinds.collectorKills) add('killed', 2, 1_500);
  if (kinds.collectorRestarts) add('restarted', 1, 500);
  if (kinds.collectorDisk) add('disk-full', 1, 2_000);
  return inOrder(faults);
}

function notifierFaults(dice: Dice): NotifierFault[] {
  return times(dice, 2).map((atMs) => ({
    kind: dice.pick(['down', 'mute']),
    atMs,
    forMs: dice.between(200, 3_000),
  }));
}

function silenceFrom(dice: Dice): Lasting {
  return { atMs: dice.between(0, 2_000), forMs: dice.between(3_000, 2 * faultsMs) };
}

/** One to `countMax` moments, in order. */
function times(dice: Dice, countMax: number): number[] {
  const moments = Array.from({ length: dice.between(1, countMax) }, () =>
    dice.between(0, faultsMs),
  );
  return moments.sort((a, b) => a - b);
}

function inOrder<T extends Timed>(faults: readonly T[]): T[] {
  return faults.toSorted((a, b) => a.atMs - b.atMs);
}
