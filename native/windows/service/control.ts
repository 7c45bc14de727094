/** Starts a service of Windows, stops it and tells how it is, by its manager. */
import { WindrowError } from '../../../runtime/errors.ts';
import { pause } from '../../../runtime/lifecycle.ts';
import {
  type ManagerFunctions,
  type ServiceState,
  WINDOWS_ERROR,
  type WindowsCounters,
  windowsErrorOf,
} from '../addon.ts';
import { attempt, refused } from './attempt.ts';
import { describeState, RUNNING, STOPPED } from './state.ts';

export interface Waits {
  /** For a state. */
  readonly changeMsMax: number;
  /** For the end of a process that has told that it is stopped. */
  readonly endMsMax: number;
  /** That one which was started is watched. */
  readonly watchMs: number;
  readonly lookEveryMs: number;
}

const waitsOfWindows: Waits = {
  // Longer than the service gives itself (run.ts), after which it has ended in any case.
  changeMsMax: 45_000,
  // Twice what the addon gives it (EXIT_MS_MAX).
  endMsMax: 10_000,
  // It runs for Windows before it has read its settings.
  watchMs: 3_000,
  lookEveryMs: 100,
};

/** Of the addon. */
export type Windows = ManagerFunctions & Pick<WindowsCounters, 'processes'>;

type Say = (line: string) => void;

export class ServiceControl {
  readonly #addon: Windows;
  readonly #name: string;
  readonly #log: string;
  readonly #say: Say;
  readonly #waits: Waits;

  /** @param log path of its log, for whom it does not start */
  constructor(addon: Windows, name: string, log: string, say: Say, waits = waitsOfWindows) {
    this.#addon = addon;
    this.#name = name;
    this.#log = log;
    this.#say = say;
    this.#waits = waits;
  }

  /** Undefined when it is not installed. @throws WindrowError `refused` */
  state(): ServiceState | undefined {
    try {
      return this.#addon.serviceStatus(this.#name);
    } catch (error) {
      if (windowsErrorOf(error) === WINDOWS_ERROR.noSuchService) return undefined;
      throw refused(`look at ${this.#name}`, error);
    }
  }

  /**
   * Resolves when it runs, and has gone on for some seconds.
   * @throws WindrowError `usage` when it is not installed, `refused`
   */
  async start(): Promise<void> {
    if (this.#installed().state !== RUNNING) {
      attempt(`start ${this.#name}`, () => this.#addon.startService(this.#name));
      const state = await this.#settled(RUNNING);
      if (state.state !== RUNNING) throw this.#failed(describeState(state));
      await this.#watch(state.pid);
    }
    this.#say(`${this.#name} runs`);
  }

  /**
   * Resolves when it has stopped and its process has ended, which else is in the way of who removes
   * or replaces its files.
   * @throws WindrowError `usage` when it is not installed, `refused`
   */
  async stop(): Promise<void> {
    const { state, pid } = this.#installed();
    if (state !== STOPPED) {
      attempt(`stop ${this.#name}`, () => this.#addon.stopService(this.#name));
      const after = await this.#settled(STOPPED);
      if (after.state !== STOPPED) throw new WindrowError('refused', `${this.#name} does not stop`);
      await this.#ended(pid);
    }
    this.#say(`${this.#name} is stopped`);
  }

  /** Whether it runs; says how it is. @throws WindrowError `usage` when it is not installed */
  status(): boolean {
    const state = this.#installed();
    this.#say(`${this.#name} ${describeState(state)}`);
    return state.state === RUNNING;
  }

  #installed(): ServiceState {
    const state = this.state();
    if (state !== undefined) return state;
    throw new WindrowError('usage', `${this.#name} is not installed`, {
      hint: `${this.#name} service install installs it.`,
    });
  }

  /** Its state once it is `wanted` or has stopped, or what it is when the time is over. */
  async #settled(wanted: number): Promise<ServiceState> {
    const bound = AbortSignal.timeout(this.#waits.changeMsMax);
    for (;;) {
      const state = this.#installed();
      if (bound.aborted || state.state === wanted || state.state === STOPPED) return state;
      await pause(this.#waits.lookEveryMs, bound);
    }
  }

  /** @throws WindrowError `refused` when it does not go on as this process */
  async #watch(pid: number): Promise<void> {
    const bound = AbortSignal.timeout(this.#waits.watchMs);
    for (;;) {
      // Before the look: the last one is when the time is over.
      const isOver = bound.aborted;
      const state = this.#installed();
      if (state.state !== RUNNING || state.pid !== pid) {
        throw this.#failed(`did not go on: it ${describeState(state)}`);
      }
      if (isOver) return;
      await pause(this.#waits.lookEveryMs, bound);
    }
  }

  /** Or the time is over: then what is in the way is told by whoever meets it. */
  async #ended(pid: number): Promise<void> {
    // It had none yet.
    if (pid === 0) return;
    const bound = AbortSignal.timeout(this.#waits.endMsMax);
    const isThere = (): boolean => this.#addon.processes().some((process) => process.pid === pid);
    while (!bound.aborted && attempt('list the processes', isThere)) {
      await pause(this.#waits.lookEveryMs, bound);
    }
  }

  #failed(how: string): WindrowError {
    return new WindrowError('refused', `${this.#name} ${how}`, {
      hint: `The event log says why, under ${this.#name}, and ${this.#log}.`,
    });
  }
}
