/** The agent as a service of Windows. */
import type { Folder } from '../../native/windows/service/places.ts';
import { runService } from '../../native/windows/service/run.ts';
import { WindrowError } from '../../runtime/errors.ts';
import { createFileLogger } from '../../runtime/logging.ts';
import { askForSettings } from '../checked-settings.js';
import type { AgentConfig } from '../config.ts';
import { runAgentUntil } from '../run.ts';

/**
 * Ends the process.
 * @param path the folder that `service install` has made
 * @throws WindrowError `usage` when it was not the service manager that started this process
 */
export function serve(path: string): Promise<never> {
  return runService({
    program: 'agent',
    path,
    kept: 'What was not sent waits in its outbox.',
    work: async (folder, stopped, file) => {
      const config = settingsIn(folder);
      await runAgentUntil(stopped, config, createFileLogger('windrow-agent', config.log, file));
    },
  });
}

/** @throws WindrowError `config` */
function settingsIn({ settings: file }: Folder): AgentConfig {
  const { settings, complaint } = askForSettings(['--config', file], 'pipe');
  if (settings !== undefined) return settings;
  throw new WindrowError('config', complaint.trim());
}
