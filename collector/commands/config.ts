import type { Command } from 'commander';
import { configCommand } from '../../runtime/config/commands.ts';
import { idleBrokers } from '../../wire/transport/kafka/connection.ts';
import { loadAlertsFile } from '../alerts/rules/load.ts';
import { alertsPath, checkConnection, COLLECTOR_SPEC } from '../config.ts';
import { SERVE_FLAGS } from './serve.ts';

export function configOfCollector(): Command {
  return configCommand({
    spec: COLLECTOR_SPEC,
    program: 'collector',
    flags: SERVE_FLAGS,
    check: ({ values }) => {
      checkConnection(values);
      loadAlertsFile(alertsPath(values));
    },
    slip: ({ values }) => idleBrokers(values),
  });
}
