/**
 * A program as a service of Windows: what the service manager starts. The addon has told it RUNNING
 * before anything here takes long, and ends the process when it does not stop in time.
 */
import { EXIT, exitCodeOf, messageOf, WindrowError } from '../../../runtime/errors.ts';
import { LogFile } from '../../../runtime/log-file.ts';
import { createFileLogger } from '../../../runtime/logging.ts';
import { windowsAddon, WINDOWS_ERROR, windowsErrorOf } from '../addon.ts';
import { type Folder, folderAt, serviceName } from './places.ts';

/** An agent's stop takes 2 s for what waits to be sent; each part of a program has a bound of its own. */
const stopMsMax = 30_000;
/** The addon takes twice as much, and the event log. */
const eventCharsMax = 8_000;

export interface ServiceRun {
  /** `agent` or `collector` */
  readonly program: string;
  /** The folder that `service install` has made. */
  readonly path: string;
  /** What of its work is not lost when it does not stop in time and is ended, as a sentence. */
  readonly kept: string;
  readonly work: Work;
}

/** Returns when `stopped` has aborted and everything has stopped. @throws WindrowError */
type Work = (folder: Folder, stopped: AbortSignal, log: LogFile) => Promise<void>;

/**
 * Ends the process. Expected errors go to the event log and end the service with their exit code;
 * others too, as crashes.
 * @throws WindrowError `usage` when it was not the service manager that started this process
 */
export async function runService({ program, path, kept, work }: ServiceRun): Promise<never> {
  const name = serviceName(program);
  // What this process loads as code, it finds where others may not write (runtime/extracted.ts).
  if (path !== '') process.env['CACHE_DIRECTORY'] = path;
  const addon = windowsAddon();
  const stopped = new AbortController();
  try {
    const hungText = `It did not stop within ${stopMsMax / 1000} s and was ended. ${kept}`;
    addon.beginService(name, stopMsMax, hungText, () => stopped.abort());
  } catch (error) {
    if (windowsErrorOf(error) !== WINDOWS_ERROR.notStartedByManager) throw error;
    throw new WindrowError('usage', 'only the service manager of Windows starts this verb', {
      hint: `To start it now: ${name} service start.`,
    });
  }
  const say = (text: string): void => addon.writeErrorEvent(name, text.slice(0, eventCharsMax));
  process.on('uncaughtExceptionMonitor', (error) => say(error.stack ?? messageOf(error)));
  const inItsFolder: Work = (...all) => {
    // What its settings name without a folder is beside them.
    process.chdir(path);
    return work(...all);
  };
  const what = { name, folder: folderAt(path, program), work: inItsFolder };
  const code = await exitCodeOfWork(what, stopped.signal, say);
  addon.endService(code);
  process.exit(code);
}

/**
 * Does the work, and tells why it failed in the log and by `say`.
 * @returns of EXIT
 */
export async function exitCodeOfWork(
  { name, folder, work }: { readonly name: string; readonly folder: Folder; readonly work: Work },
  stopped: AbortSignal,
  say: (text: string) => void,
): Promise<number> {
  try {
    const log = new LogFile(folder.log);
    try {
      await work(folder, stopped, log);
    } catch (error) {
      createFileLogger(name, 'error', log).error(messageOf(error));
      throw error;
    } finally {
      log.close();
    }
    return EXIT.ok;
  } catch (error) {
    const { hint } = error instanceof WindrowError ? error : {};
    say([messageOf(error), ...(hint === undefined ? [] : [hint])].join('\n'));
    return exitCodeOf(error);
  }
}
