/** How a service is, in Windows' numbers and in words. */
import type { ServiceState } from '../addon.ts';

/** Numbers of Windows (SERVICE_STATUS); the others are on the way from one to the other. */
export const STOPPED = 1;
export const RUNNING = 4;

const crashed = 1067;
const ownExitCode = 1066;

/** For people; also why it is stopped. */
export function describeState({ state, pid, error, exitCode }: ServiceState): string {
  if (state === RUNNING) return `runs (process ${pid})`;
  if (state !== STOPPED) return 'is starting or stopping';
  if (error === 0) return 'is stopped';
  if (error === crashed) return 'is stopped: it crashed (1067)';
  if (error === ownExitCode) return `is stopped: it ended with exit code ${exitCode}`;
  return `is stopped (${error})`;
}
