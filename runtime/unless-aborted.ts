import { WindrowError } from './errors.ts';

/**
 * What `work` comes to, or an error `aborted` as soon as the signal aborts; the work itself goes on,
 * and nobody hears what it comes to then.
 */
export function unlessAborted<T>(work: Promise<T>, signal: AbortSignal, what: string): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(new WindrowError('aborted', `${what} was aborted`));
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
  });
}
