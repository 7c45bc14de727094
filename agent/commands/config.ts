import type { Command } from 'commander';
import { configCommand } from '../../runtime/config/commands.ts';
import { idleBrokers } from '../../wire/transport/kafka/connection.ts';
import { AGENT_SPEC } from '../config.ts';
import { checkConnection } from '../connect.ts';
import { RUN_FLAGS } from './run.ts';

export function configOfAgent(): Command {
  return configCommand({
    spec: AGENT_SPEC,
    program: 'agent',
    flags: RUN_FLAGS,
    check: ({ values }) => checkConnection(values),
    slip: ({ values }) => idleBrokers(values),
  });
}
