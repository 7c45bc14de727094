/**
 * Start and stop of a program. What was started last stops first, each within a bound, and a
 * program asked to stop ends in bounded time whatever a part does.
 */
import type { Logger } from './logging.ts';
import { messageOf } from './errors.ts';

/** Longest time that one part may take to stop. */
export const partStopMsMax = 5_000;
/** A second signal within this time is the same Ctrl-C arriving twice (from the terminal and from a parent). */
const sameSignalMs = 1_000;

export class Lifecycle {
  readonly #parts: { name: string; stop: () => Promise<void> | void }[] = [];
  readonly #log: Logger;
  #stopping: Promise<void> | undefined;

  constructor(log: Logger) {
    this.#log = log;
  }

  /** Registers how to undo what was just started. */
  onStop(name: string, stop: () => Promise<void> | void): void {
    this.#parts.push({ name, stop });
  }

  /** Stops every part in reverse order of start. May be called again; both calls wait for the same stop. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stopAll();
    return this.#stopping;
  }

  async #stopAll(): Promise<void> {
    for (const part of this.#parts.reverse()) {
      try {
        await withinMs(part.name, partStopMsMax, async () => part.stop());
      } catch (error) {
        this.#log.error({ part: part.name, error: messageOf(error) }, 'a part did not stop well');
      }
    }
  }
}

/** Runs `work`, and rejects with the code `ETIMEDOUT` when it has not ended after `boundMs`. */
export async function withinMs<T>(
  name: string,
  boundMs: number,
  work: () => Promise<T>,
): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      const error = new Error(`${name}: not done after ${boundMs} ms`);
      reject(Object.assign(error, { code: 'ETIMEDOUT' }));
    }, boundMs);
  });
  try {
    return await Promise.race([work(), late]);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Aborts at the first SIGINT, SIGTERM or SIGHUP, or when the parent that started us over an IPC
 * channel is gone; a later signal ends the process at once. With `onHangup` a SIGHUP calls that
 * and stops nothing; Windows sends it when the console closes, so there it always stops.
 */
export function signalOfProcess({ onHangup }: { onHangup?: () => void } = {}): AbortSignal {
  const controller = new AbortController();
  let firstMs: number | undefined;
  const onSignal = (): void => {
    const nowMs = performance.now();
    if (firstMs === undefined) {
      firstMs = nowMs;
      controller.abort();
    } else if (nowMs - firstMs > sameSignalMs) {
      process.exit(1);
    }
  };
  const hangup = process.platform === 'win32' ? onSignal : (onHangup ?? onSignal);
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal).on('SIGHUP', hangup);
  if (process.connected) process.once('disconnect', () => controller.abort());
  return controller.signal;
}

/** Resolves when the signal aborts. */
export function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

/** What `work` comes to; undefined when it was stopped before. @throws what it throws, unless stopped */
export async function unlessStopped<T>(
  stopped: AbortSignal,
  work: () => Promise<T>,
): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if (!stopped.aborted) throw error;
    return undefined;
  }
}

/** Waits `ms`, or less when the signal aborts; never rejects. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done, { once: true });
  });
}
