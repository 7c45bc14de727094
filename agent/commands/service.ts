import type { Command } from 'commander';
import { windowsServiceCommand } from '../../native/windows/service/command.ts';
import { ownPath } from '../../runtime/program.ts';
import { serviceCommand } from '../../runtime/service/command.ts';
import type { Installable } from '../../runtime/service/installation.ts';
import { AGENT_SPEC } from '../config.ts';
import { checkConnection } from '../connect.ts';

const AGENT: Installable<typeof AGENT_SPEC> = {
  program: 'agent',
  defaults: ownPath(new URL('../../config/agent.yaml', import.meta.url)),
  spec: AGENT_SPEC,
  flags: ['to', 'brokers', 'token_file', 'server_id'],
  check: ({ values }) => checkConnection(values),
};

export function serviceOfAgent(): Command {
  if (process.platform === 'win32') {
    return windowsServiceCommand({
      ...AGENT,
      about: 'Samples this machine and sends what it measures to a windrow collector.',
      // It looks at every process.
      account: 'system',
    });
  }
  const unit = ownPath(new URL('../../config/systemd/windrow-agent.service', import.meta.url));
  return serviceCommand({ ...AGENT, unit });
}
