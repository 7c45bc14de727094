import { Command, Option } from 'commander';
import { writeFileSync } from 'node:fs';
import { settingsOf, withSettings } from '../../runtime/config/flags.ts';
import { AGENT_SPEC } from '../config.ts';
import { loadKafka } from '../connect.ts';
import { runAgent } from '../run.ts';

export const RUN_FLAGS = [
  'to',
  'brokers',
  'token_file',
  'server_id',
  'data',
  'interval',
  'log',
] as const;

export function runCommand(): Command {
  const command = withSettings(new Command('run'), AGENT_SPEC, RUN_FLAGS)
    .description('sample this machine and send the samples to the collector')
    .addOption(new Option('--settings-fd <fd>', 'for launch.js').hideHelp())
    .action(async ({ settingsFd }: { settingsFd?: string }) => {
      const { values } = settingsOf(command, AGENT_SPEC, 'agent');
      // Whoever asks for the settings runs the agent itself, with code that is in the cache now.
      if (settingsFd === undefined) return runAgent(values);
      if (values.transport === 'kafka') await loadKafka();
      writeFileSync(Number(settingsFd), JSON.stringify(values));
    });
  return command;
}
