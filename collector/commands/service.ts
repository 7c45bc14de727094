import type { Command } from 'commander';
import { ownPath } from '../../runtime/program.ts';
import { serviceCommand } from '../../runtime/service/command.ts';
import { checkSettings, COLLECTOR_SPEC } from '../config.ts';

export function serviceOfCollector(): Command {
  return serviceCommand({
    program: 'collector',
    unit: ownPath(new URL('../../config/systemd/windrow-collector.service', import.meta.url)),
    defaults: ownPath(new URL('../../config/collector.yaml', import.meta.url)),
    spec: COLLECTOR_SPEC,
    flags: ['listen', 'port', 'brokers'],
    check: ({ values }) => checkSettings(values),
  });
}
