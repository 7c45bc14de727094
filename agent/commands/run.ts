import { Command } from 'commander';
import { settingsOf, withSettings } from '../../runtime/config/flags.ts';
import { aborted, signalOfProcess } from '../../runtime/lifecycle.ts';
import { createLogger } from '../../runtime/logging.ts';
import { startAgent } from '../app.ts';
import { AGENT_SPEC } from '../config.ts';
import { connect } from '../connect.ts';

export const RUN_FLAGS = ['to', 'token_file', 'server_id', 'data', 'interval', 'log'] as const;

export function runCommand(): Command {
  const command = withSettings(new Command('run'), AGENT_SPEC, RUN_FLAGS)
    .description('sample this machine and send the samples to the collector')
    .action(async () => {
      const { values } = settingsOf(command, AGENT_SPEC, 'agent');
      const stopped = signalOfProcess();
      const log = await createLogger('windrow-agent', values.log);
      const agent = startAgent(values, connect(values), log);
      await aborted(stopped);
      await agent.stop();
    });
  return command;
}
