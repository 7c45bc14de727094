/**
 * Tells the service manager how the program is, by the words of sd_notify(3): READY=1, WATCHDOG=1,
 * STOPPING=1. Node has no datagram sockets of the file system, so systemd-notify(1) says them, a
 * child that ends; the unit needs NotifyAccess=all. Without NOTIFY_SOCKET nothing is said.
 */
import { execFile } from 'node:child_process';
import { messageOf } from './errors.ts';
import { pause } from './lifecycle.ts';
import type { Logger } from './logging.ts';

/** None of these rejects: a manager that cannot be told must not stop the program. */
export interface ServiceManager {
  /** The program does its work now. Resolves when the manager has been told. */
  ready(): Promise<void>;
  /** It ends, as it was asked to. */
  stopping(): Promise<void>;
  /**
   * Keeps the watchdog quiet until the signal aborts, but only while `progress` is another number
   * at each look: a program whose work stands still is to be started again. A look is due every
   * third of WATCHDOG_USEC; without it, none.
   */
  watch(progress: () => number, signal: AbortSignal): Promise<void>;
}

/** systemd-notify waits up to 5 s until the manager has read what it said. */
const tellMsMax = 10_000;
const looksInTime = 3;

export function serviceManager(env: NodeJS.ProcessEnv, log: Logger): ServiceManager {
  const tell = (word: string): Promise<void> =>
    env['NOTIFY_SOCKET'] ? notify(word, env, log) : Promise.resolve();
  return {
    ready: () => tell('READY=1'),
    stopping: () => tell('STOPPING=1'),
    async watch(progress, signal) {
      const everyMs = watchdogMs(env) / looksInTime;
      if (!Number.isFinite(everyMs)) return;
      let seen = progress();
      for (;;) {
        await pause(everyMs, signal);
        if (signal.aborted) return;
        const now = progress();
        if (now === seen) log.error({ progress: now }, 'the work stands still');
        else await tell('WATCHDOG=1');
        seen = now;
      }
    },
  };
}

/** Infinity when the manager sets no time, or sets it for another process. */
function watchdogMs(env: NodeJS.ProcessEnv): number {
  const pid = env['WATCHDOG_PID'];
  if (pid !== undefined && Number(pid) !== process.pid) return Number.POSITIVE_INFINITY;
  const us = Number(env['WATCHDOG_USEC']);
  return us > 0 ? us / 1000 : Number.POSITIVE_INFINITY;
}

function notify(word: string, env: NodeJS.ProcessEnv, log: Logger): Promise<void> {
  return new Promise((resolve) => {
    execFile('systemd-notify', [word], { env, timeout: tellMsMax }, (error) => {
      if (error !== null) log.warn({ word, error: messageOf(error) }, 'systemd was not told');
      resolve();
    });
  });
}
