/** What Windows is asked to do, and may refuse. */
import { messageOf, WindrowError } from '../../../runtime/errors.ts';
import { WINDOWS_ERROR, windowsErrorOf } from '../addon.ts';

export const asAdministrator = 'Run it again in a window opened with "Run as administrator".';

/**
 * @param what to do, as the rest of a sentence: `make C:\x`
 * @throws WindrowError `refused`, when `work` throws
 */
export function attempt<Result>(what: string, work: () => Result): Result {
  try {
    return work();
  } catch (error) {
    throw refused(what, error);
  }
}

/** Why it could not be done, and what helps. */
export function refused(what: string, error: unknown): WindrowError {
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
