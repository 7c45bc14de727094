import { Command, Option } from 'commander';
import { writeFileSync } from 'node:fs';
import { settingsOf, withSettings } from '../../runtime/config/flags.ts';
import { isSingleFile } from '../../runtime/program.ts';
import { AGENT_SPEC, type AgentConfig } from '../config.ts';
import { loadKafka } from '../connect.ts';

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
      if (settingsFd === undefined) return (await import('../run.ts')).runAgent(values);
      // Whoever asks for the settings runs the agent itself, with code that is in Node's cache then.
      if (!isSingleFile) await loadAgent(values.transport);
      writeFileSync(Number(settingsFd), JSON.stringify(values));
    });
  return command;
}

async function loadAgent(transport: AgentConfig['transport']): Promise<void> {
  await import('../run.ts');
  if (transport === 'kafka') await loadKafka();
}
