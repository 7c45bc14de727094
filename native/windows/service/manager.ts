/** Installs the single file as a service of Windows, handles it and takes it away again. */
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmdirSync,
  rmSync,
} from 'node:fs';
import { win32 } from 'node:path';
import {
  type ManagerFunctions,
  type ServiceState,
  WINDOWS_ERROR,
  windowsErrorOf,
} from '../addon.ts';
import { messageOf, WindrowError } from '../../../runtime/errors.ts';
import { pause } from '../../../runtime/lifecycle.ts';
import { commandLineOf } from './command-line.ts';
import { accountOf } from './account.ts';
import { type Places, serviceName } from './places.ts';

/** Longer than the service gives itself (run.ts), after which it has ended in any case. */
const changeMsMax = 45_000;
const lookEveryMs = 100;

/** Numbers of Windows (SERVICE_STATUS); the others are on the way from one to the other. */
const STOPPED = 1;
const RUNNING = 4;

const crashed = 1067;
const ownExitCode = 1066;

const asAdministrator = 'Run it again in a window opened with "Run as administrator".';

export interface WindowsService {
  /** `agent` or `collector` */
  readonly program: string;
  /** For the list of services. */
  readonly about: string;
  /**
   * Who it is: the system itself, or an account of its own that may read and write its folder and
   * do what any user may.
   */
  readonly account: 'system' | 'own';
}

type Say = (line: string) => void;

export class ServiceManager {
  readonly #addon: ManagerFunctions;
  readonly #service: WindowsService;
  readonly #name: string;
  readonly #places: Places;
  readonly #say: Say;

  constructor(addon: ManagerFunctions, service: WindowsService, places: Places, say: Say) {
    this.#addon = addon;
    this.#service = service;
    this.#name = serviceName(service.program);
    this.#places = places;
    this.#say = say;
  }

  /** @throws WindrowError `refused` when this user may not change services */
  checkMayChange(): void {
    if (this.#addon.mayChangeServices()) return;
    throw new WindrowError('refused', 'services are for administrators to change', {
      hint: asAdministrator,
    });
  }

  /**
   * Stops the service if it is there, puts `executable` in its place, and starts it.
   * @param configure writes what is to be in the folder that is for the service and administrators alone
   * @throws WindrowError `refused` when Windows does not do what it is asked
   */
  async install(executable: string, configure: () => void): Promise<void> {
    const { folder, above } = this.#places;
    const isThere = this.#state() !== undefined;
    if (isThere) await this.stop();
    this.#placeExecutable(executable);
    const also = this.#service.account === 'own' ? accountOf(this.#name).sid : '';
    attempt(`make ${above}`, () => this.#addon.makePrivateFolder(above, ''));
    for (const path of [folder.path, folder.data]) {
      attempt(`make ${path}`, () => this.#addon.makePrivateFolder(path, also));
    }
    configure();
    attempt('name it in the event log', () => this.#addon.addEventSource(this.#name));
    if (!isThere) this.#create();
    await this.start();
    this.#say('it starts with the machine');
  }

  /**
   * @param purge whether its data and settings go too
   * @throws WindrowError `usage` when it is not installed, `refused`
   */
  async uninstall(purge: boolean): Promise<void> {
    const { executable, folder, above } = this.#places;
    await this.stop();
    attempt(`remove ${this.#name}`, () => this.#addon.removeService(this.#name));
    attempt('remove it from the event log', () => this.#addon.removeEventSource(this.#name));
    this.#say(`removed the service ${this.#name}`);
    if (isSame(executable, process.execPath)) {
      this.#say(`${executable} runs this very verb: delete it afterwards`);
    } else {
      rmSync(executable, { force: true });
      this.#say(`removed ${executable}`);
    }
    if (!purge) return;
    rmSync(folder.path, { recursive: true, force: true });
    if (existsSync(above) && readdirSync(above).length === 0) rmdirSync(above);
    this.#say(`removed ${folder.path}`);
  }

  /** Resolves when it runs. @throws WindrowError `usage` when it is not installed, `refused` */
  async start(): Promise<void> {
    if (this.#installed().state !== RUNNING) {
      attempt(`start ${this.#name}`, () => this.#addon.startService(this.#name));
      const state = await this.#settled(RUNNING);
      if (state.state !== RUNNING) {
        throw new WindrowError('refused', `${this.#name} ${describeState(state)}`, {
          hint: `The event log says why, under ${this.#name}, and ${this.#places.folder.log}.`,
        });
      }
    }
    this.#say(`${this.#name} runs`);
  }

  /** Resolves when it has stopped. @throws WindrowError `usage` when it is not installed, `refused` */
  async stop(): Promise<void> {
    if (this.#installed().state !== STOPPED) {
      attempt(`stop ${this.#name}`, () => this.#addon.stopService(this.#name));
      const { state } = await this.#settled(STOPPED);
      if (state !== STOPPED) throw new WindrowError('refused', `${this.#name} does not stop`);
    }
    this.#say(`${this.#name} is stopped`);
  }

  /** Whether it runs; says how it is. @throws WindrowError `usage` when it is not installed */
  status(): boolean {
    const state = this.#installed();
    this.#say(`${this.#name} ${describeState(state)}`);
    return state.state === RUNNING;
  }

  #create(): void {
    const { executable, folder } = this.#places;
    const command = commandLineOf([executable, 'service', 'run', folder.path]);
    const { program, about, account } = this.#service;
    const user = account === 'own' ? accountOf(this.#name).name : '';
    const taken = attempt(`install ${this.#name}`, () =>
      this.#addon.installService(this.#name, `windrow ${program}`, about, command, user),
    );
    this.#say(`installed the service ${this.#name}`);
    if (!taken.restarts) this.#say('this Windows will not start it again when it fails');
  }

  /** What runs cannot be written to, but gives way; it is stopped all the same by now. */
  #placeExecutable(from: string): void {
    const { executable } = this.#places;
    if (isSame(executable, from)) return;
    const fresh = `${executable}.new`;
    attempt(`write ${executable}`, () => {
      mkdirSync(win32.dirname(executable), { recursive: true });
      copyFileSync(from, fresh);
      renameSync(fresh, executable);
    });
    this.#say(`wrote ${executable}`);
  }

  #installed(): ServiceState {
    const state = this.#state();
    if (state !== undefined) return state;
    throw new WindrowError('usage', `${this.#name} is not installed`, {
      hint: `${this.#name} service install installs it.`,
    });
  }

  #state(): ServiceState | undefined {
    try {
      return this.#addon.serviceStatus(this.#name);
    } catch (error) {
      if (windowsErrorOf(error) === WINDOWS_ERROR.noSuchService) return undefined;
      throw refused(`look at ${this.#name}`, error);
    }
  }

  /** Its state once it is `wanted` or has stopped, or what it is when the time is over. */
  async #settled(wanted: number): Promise<ServiceState> {
    const bound = AbortSignal.timeout(changeMsMax);
    for (;;) {
      const state = this.#installed();
      if (bound.aborted || state.state === wanted || state.state === STOPPED) return state;
      await pause(lookEveryMs, bound);
    }
  }
}

/** For people; also why it is stopped. */
export function describeState({ state, pid, error, exitCode }: ServiceState): string {
  if (state === RUNNING) return `runs (process ${pid})`;
  if (state !== STOPPED) return 'is starting or stopping';
  if (error === 0) return 'is stopped';
  if (error === crashed) return 'is stopped: it crashed (1067)';
  if (error === ownExitCode) return `is stopped: it ended with exit code ${exitCode}`;
  return `is stopped (${error})`;
}

/** Names on Windows differ by more than the case of their letters. */
function isSame(a: string, b: string): boolean {
  return win32.resolve(a).toLowerCase() === win32.resolve(b).toLowerCase() && existsSync(a);
}

function attempt<Result>(what: string, work: () => Result): Result {
  try {
    return work();
  } catch (error) {
    throw refused(what, error);
  }
}

function refused(what: string, error: unknown): WindrowError {
  const number = windowsErrorOf(error);
  if (number === WINDOWS_ERROR.invalidOwner) {
    return new WindrowError('refused', `could not ${what}: it is there, of somebody else`, {
      hint: 'Look at what is in it, and remove it: an administrator must be its owner.',
    });
  }
  const denied = number === WINDOWS_ERROR.accessDenied;
  return new WindrowError('refused', `could not ${what}: ${messageOf(error)}`, {
    cause: error,
    ...(denied ? { hint: asAdministrator } : {}),
  });
}
