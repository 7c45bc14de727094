/** Calls something at a steady pace on the monotonic clock. */
import { pause } from '../runtime/lifecycle.ts';

/**
 * Calls `work` every `intervalMs` from now on until the signal aborts, the first time after one
 * interval. A tick that was missed (a long call, a sleeping machine) is left out, not made up for.
 */
export async function everyTick(
  intervalMs: number,
  signal: AbortSignal,
  work: () => void | Promise<void>,
): Promise<void> {
  let dueMs = performance.now() + intervalMs;
  for (;;) {
    await pause(Math.max(0, dueMs - performance.now()), signal);
    if (signal.aborted) return;
    await work();
    const nowMs = performance.now();
    // setTimeout may fire a fraction early, hence the floor over what has passed since `dueMs`.
    dueMs += intervalMs * (1 + Math.max(0, Math.floor((nowMs - dueMs) / intervalMs)));
  }
}
