import { WindrowError } from '../../runtime/errors.ts';
import { aborted, pause } from '../../runtime/lifecycle.ts';

/** Rejects `msMax` after the stop. @throws WindrowError `aborted` */
export async function tooLate(signal: AbortSignal, msMax: number, hint: string): Promise<never> {
  await aborted(signal);
  await pause(msMax, new AbortController().signal);
  throw new WindrowError('aborted', 'stopped, while a disk or a network did not answer', { hint });
}
