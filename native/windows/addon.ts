/**
 * What native/winaddon.node, our addon for Windows, exports. Its functions throw an Error whose
 * `code` is `WIN32_` and Windows' number, and whose message has Windows' own words.
 */
import { loadAddon } from '../../runtime/addon.ts';
import { systemCodeOf } from '../../runtime/errors.ts';
import { ownPath } from '../../runtime/program.ts';

export interface WindowsAddon extends ServiceFunctions, ManagerFunctions, CounterFunctions {}

/** A service's own side: native/winsvc.c. */
interface ServiceFunctions {
  /**
   * Connects to the service manager, and returns when it has been told that the service runs.
   * @param stopMsMax from when it is asked to stop until a thread of the addon ends the process
   * @param hungText what that writes into the event log
   * @param onStop called once, when it is asked to stop
   */
  beginService(name: string, stopMsMax: number, hungText: string, onStop: () => void): void;
  /** Tells that the service has stopped. The process must end then, with this exit code. */
  endService(exitCode: number): void;
  /** How long Windows waited for its answers, as measured where they are given. */
  serviceAnswers(): ServiceAnswers;
  /** Writes an error into the event log. */
  writeErrorEvent(source: string, text: string): void;
}

export interface ServiceAnswers {
  /** From the call of `beginService` until RUNNING was told. */
  readonly runningMs: number;
  /** From when STOP, SHUTDOWN or PRESHUTDOWN came until it was answered; absent before. */
  readonly stopMs?: number;
}

/** As the service manager has it; numbers are Windows'. */
export interface ServiceState {
  readonly state: number;
  /** 0 when it does not run. */
  readonly pid: number;
  /** How it ended: 0 well, 1066 with `exitCode`, 1067 by a crash. */
  readonly error: number;
  readonly exitCode: number;
}

/** An administrator's side: native/winscm.c and native/winfolder.c. */
export interface ManagerFunctions {
  /** Whether this user is an administrator with all rights. @throws Error when no service manager answers */
  mayChangeServices(): boolean;
  /**
   * Changes one that is there.
   * @param account '' is the system itself; one that has no password
   * @returns what Windows took of that which a service works without
   */
  installService(
    name: string,
    displayName: string,
    description: string,
    commandLine: string,
    account: string,
  ): {
    readonly described: boolean;
    /** After a failure. */
    readonly restarts: boolean;
    /** When the machine shuts down, for as long as its stop may take. */
    readonly awaited: boolean;
  };
  removeService(name: string): void;
  /** Returns before it runs. */
  startService(name: string): void;
  /** Returns before it has stopped. */
  stopService(name: string): void;
  serviceStatus(name: string): ServiceState;
  addEventSource(name: string): void;
  removeEventSource(name: string): void;
  /**
   * A folder for administrators and the system alone. Takes one that is there if an administrator owns it.
   * @param sid of who else may read and write in it; ''
   */
  makePrivateFolder(path: string, sid: string): void;
}

export interface InterfaceCounters {
  readonly name: string;
  /** The ifType of IANA. */
  readonly type: number;
  /** It has a device. */
  readonly hardware: boolean;
  /** It is a filter in the stack of another interface, whose bytes it counts too. */
  readonly filter: boolean;
  readonly bytesIn: number;
  readonly bytesOut: number;
}

export interface DiskCounters {
  /** The disk's number and its drives, `0 C: D:`; `_Total` is the sum. */
  readonly name: string;
  readonly bytesRead: number;
  readonly bytesWritten: number;
}

export interface Volume {
  /** `C:\` */
  readonly mount: string;
  readonly bytes: number;
  readonly freeBytes: number;
  /** Less than what is free where this user has a quota. */
  readonly availableBytes: number;
}

/** What Windows does not tell is absent. */
export interface ProcessCounters {
  /** Since 1601: with the pid, who it is. */
  readonly createdMs?: number;
  readonly cpuMs?: number;
  readonly residentBytes?: number;
  /** All that it has read and written: files, network, devices. */
  readonly readBytes?: number;
  readonly writtenBytes?: number;
}

/** The machine's counters: native/winmetrics.c. */
interface CounterFunctions {
  interfaces(): InterfaceCounters[];
  disks(): DiskCounters[];
  /** The fixed drives. */
  volumes(): Volume[];
  /** Of all page files together. */
  pageFiles(): { readonly bytes: number; readonly usedBytes: number };
  processes(): { readonly pid: number; readonly name: string }[];
  /** Windows' number of an error when it is gone or may not be looked at. */
  processCounters(pid: number): ProcessCounters | number;
}

export type WindowsCounters = CounterFunctions;

/** Numbers of Windows' errors. */
export const WINDOWS_ERROR = {
  accessDenied: 5,
  alreadyRunning: 1056,
  noSuchService: 1060,
  notActive: 1062,
  notStartedByManager: 1063,
  markedForDelete: 1072,
  serviceExists: 1073,
  invalidOwner: 1307,
} as const;

/** Windows' number of what a function of the addon threw. */
export function windowsErrorOf(error: unknown): number | undefined {
  const number = /^WIN32_(\d+)$/.exec(systemCodeOf(error) ?? '')?.[1];
  return number === undefined ? undefined : Number(number);
}

/** @throws WindrowError `config` when it is inside the single file and no folder can be used */
export function windowsAddon(): WindowsAddon {
  return loadAddon(ownPath(new URL('../winaddon.node', import.meta.url))) as WindowsAddon;
}
