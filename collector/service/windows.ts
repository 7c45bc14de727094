/** The collector as a service of Windows. */
import { runService } from '../../native/windows/service/run.ts';
import { aborted } from '../../runtime/lifecycle.ts';
import { createFileLogger } from '../../runtime/logging.ts';
import { useLittleMemory } from '../little-memory.ts';

/**
 * Ends the process.
 * @param path the folder that `service install` has made
 * @throws WindrowError `usage` when it was not the service manager that started this process
 */
export function serve(path: string): Promise<never> {
  return runService({
    program: 'collector',
    path,
    kept: 'What it has acknowledged is stored.',
    work: async ({ settings }, stopped, file) => {
      useLittleMemory();
      // Not before the service manager has its answer.
      const { loadConfig } = await import('../../runtime/config/load.ts');
      const { COLLECTOR_SPEC } = await import('../config.ts');
      const { startCollector } = await import('../app.ts');
      const { values: config } = loadConfig(COLLECTOR_SPEC, {
        program: 'collector',
        flags: {},
        env: process.env,
        cwd: process.cwd(),
        configFlag: settings,
      });
      const log = createFileLogger('windrow-collector', config.log, file);
      const collector = await startCollector(config, log);
      await Promise.race([aborted(stopped), collector.lost]);
      await Promise.race([collector.stop(), collector.lost]);
    },
  });
}
