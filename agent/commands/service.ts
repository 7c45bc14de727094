import type { Command } from 'commander';
import { ownPath } from '../../runtime/program.ts';
import { serviceCommand } from '../../runtime/service/command.ts';
import { AGENT_SPEC } from '../config.ts';
import { checkConnection } from '../connect.ts';
import { windowsServiceCommand } from '../service/windows/command.ts';

export function serviceOfAgent(): Command {
  if (process.platform === 'win32') return windowsServiceCommand();
  return serviceCommand({
    program: 'agent',
    unit: ownPath(new URL('../../config/systemd/windrow-agent.service', import.meta.url)),
    defaults: ownPath(new URL('../../config/agent.yaml', import.meta.url)),
    spec: AGENT_SPEC,
    flags: ['to', 'brokers', 'token_file', 'server_id'],
    check: ({ values }) => checkConnection(values),
  });
}
