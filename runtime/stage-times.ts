/** How long the stages of a thread's work take, by the clock and of the CPU. */

export interface StageTime {
  readonly ms: number;
  /** Of the CPU: what is missing to `ms` the thread waited, for a disk or for its turn. */
  readonly cpuMs: number;
}

export type Stages<Name extends string> = Readonly<Record<Name, StageTime>>;

export class StageTimes<Name extends string> {
  readonly #times: Map<Name, { ms: number; cpuMs: number }>;

  constructor(names: readonly Name[]) {
    this.#times = new Map(names.map((name) => [name, { ms: 0, cpuMs: 0 }]));
  }

  /** Does the work; what it takes is added to the stage, also when it throws. Stages must not lie in each other. */
  timed<T>(name: Name, work: () => T): T {
    const startMs = performance.now();
    const startCpu = process.threadCpuUsage();
    try {
      return work();
    } finally {
      const time = this.#times.get(name);
      const { user, system } = process.threadCpuUsage(startCpu);
      if (time !== undefined) {
        time.ms += performance.now() - startMs;
        time.cpuMs += (user + system) / 1_000;
      }
    }
  }

  /** So far: a copy, to be sent to another thread. */
  get soFar(): Stages<Name> {
    return Object.fromEntries(
      [...this.#times].map(([name, time]) => [name, { ...time }]),
    ) as Stages<Name>;
  }
}

/** Of several threads together. */
export function addStages<Name extends string>(
  one: Stages<Name>,
  other: Stages<Name>,
): Stages<Name> {
  const names = Object.keys(one) as Name[];
  return Object.fromEntries(
    names.map((name) => [
      name,
      { ms: one[name].ms + other[name].ms, cpuMs: one[name].cpuMs + other[name].cpuMs },
    ]),
  ) as Stages<Name>;
}
