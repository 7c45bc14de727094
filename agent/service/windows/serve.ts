/**
 * The agent as a service of Windows: what the service manager starts. The addon has told it RUNNING
 * before anything here takes long, and ends the process when it does not stop in time.
 */
import { windowsAddon, WINDOWS_ERROR, windowsErrorOf } from '../../../native/windows/addon.ts';
import { EXIT, exitCodeOf, messageOf, WindrowError } from '../../../runtime/errors.ts';
import { LogFile } from '../../../runtime/log-file.ts';
import { createFileLogger } from '../../../runtime/logging.ts';
import { askForSettings } from '../../checked-settings.js';
import type { AgentConfig } from '../../config.ts';
import { runAgentUntil } from '../../run.ts';
import { type Folder, folderAt, SERVICE_NAME } from './places.ts';

/** A stop takes 2 s for what waits to be sent, and each part has a bound of its own. */
const stopMsMax = 30_000;
/** The addon takes twice as much, and the event log. */
const eventCharsMax = 8_000;

/**
 * Ends the process. Expected errors go to the event log and end the service with their exit code;
 * others too, as crashes.
 * @param path the folder that `service install` has made
 * @throws WindrowError `usage` when it was not the service manager that started this process
 */
export async function serve(path: string): Promise<never> {
  // What this process loads as code, it finds where only administrators may write (runtime/extracted.ts).
  if (path !== '') process.env['CACHE_DIRECTORY'] = path;
  const addon = windowsAddon();
  const stopped = new AbortController();
  try {
    addon.beginService(SERVICE_NAME, stopMsMax, () => stopped.abort());
  } catch (error) {
    if (windowsErrorOf(error) !== WINDOWS_ERROR.notStartedByManager) throw error;
    throw new WindrowError('usage', 'only the service manager of Windows starts this verb', {
      hint: 'To sample now, in this window: windrow-agent run.',
    });
  }
  const say = (text: string): void =>
    addon.writeErrorEvent(SERVICE_NAME, text.slice(0, eventCharsMax));
  process.on('uncaughtExceptionMonitor', (error) => say(error.stack ?? messageOf(error)));
  const code = await exitCodeFrom(() => work(folderAt(path), stopped.signal), say);
  addon.endService(code);
  process.exit(code);
}

async function work(folder: Folder, stopped: AbortSignal): Promise<void> {
  const file = new LogFile(folder.log);
  try {
    const config = settingsIn(folder);
    await runAgentUntil(stopped, config, createFileLogger(SERVICE_NAME, config.log, file));
  } catch (error) {
    createFileLogger(SERVICE_NAME, 'error', file).error(messageOf(error));
    throw error;
  }
}

/** @throws WindrowError `config` */
function settingsIn({ settings: file }: Folder): AgentConfig {
  const { settings, complaint } = askForSettings(['--config', file], 'pipe');
  if (settings !== undefined) return settings;
  throw new WindrowError('config', complaint.trim());
}

async function exitCodeFrom(
  run: () => Promise<void>,
  say: (text: string) => void,
): Promise<number> {
  try {
    await run();
    return EXIT.ok;
  } catch (error) {
    const { hint } = error instanceof WindrowError ? error : {};
    say([messageOf(error), ...(hint === undefined ? [] : [hint])].join('\n'));
    return exitCodeOf(error);
  }
}
