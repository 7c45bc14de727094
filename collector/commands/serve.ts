import { Command } from 'commander';
import { settingsOf, withSettings } from '../../runtime/config/flags.ts';
import { aborted, signalOfProcess } from '../../runtime/lifecycle.ts';
import { createLogger } from '../../runtime/logging.ts';
import { serviceManager } from '../../runtime/service-notify.ts';
import type { Collector } from '../app.ts';
import { COLLECTOR_SPEC } from '../config.ts';
import { useLittleMemory } from '../little-memory.ts';

export const SERVE_FLAGS = ['listen', 'port', 'url', 'brokers', 'data', 'log'] as const;

export function serveCommand(): Command {
  const command = withSettings(new Command('serve'), COLLECTOR_SPEC, SERVE_FLAGS)
    .description('take in samples, make windows, keep history, show the live page')
    .action(async () => {
      const { values } = settingsOf(command, COLLECTOR_SPEC, 'collector');
      let collector: Collector | undefined;
      const stopped = signalOfProcess({ onHangup: () => collector?.reload() });
      const log = await createLogger('windrow-collector', values.log);
      const service = serviceManager(process.env, log);
      useLittleMemory();
      // The other verbs need no server, so only this one loads it.
      const { startCollector } = await import('../app.ts');
      collector = await startCollector(values, log);
      process.stdout.write(`ready ${collector.url}\n`);
      if (collector.entryUrl !== undefined) {
        process.stdout.write(`open the page, once, within an hour: ${collector.entryUrl}\n`);
      }
      await service.ready();
      // What the collector does, it does in turns of the loop: where these stop, so does the watch.
      const watched = service.watch(() => performance.now(), stopped);
      await Promise.race([aborted(stopped), collector.lost]);
      const ended = Promise.all([service.stopping(), collector.stop(), watched]);
      await Promise.race([ended, collector.lost]);
    });
  return command;
}
