import type { Command } from 'commander';
import { windowsServiceCommand } from '../../native/windows/service/command.ts';
import { ownPath } from '../../runtime/program.ts';
import { serviceCommand } from '../../runtime/service/command.ts';
import type { Installable } from '../../runtime/service/installation.ts';
import { checkSettings, COLLECTOR_SPEC } from '../config.ts';

const COLLECTOR: Installable<typeof COLLECTOR_SPEC> = {
  program: 'collector',
  defaults: ownPath(new URL('../../config/collector.yaml', import.meta.url)),
  spec: COLLECTOR_SPEC,
  flags: ['listen', 'port', 'url', 'brokers'],
  check: ({ values }) => checkSettings(values),
};

export function serviceOfCollector(): Command {
  if (process.platform === 'win32') {
    return windowsServiceCommand({
      ...COLLECTOR,
      about:
        'Takes in samples of windrow agents, raises alerts, keeps history and shows a live page.',
      // It listens to others.
      account: 'own',
    });
  }
  const unit = ownPath(new URL('../../config/systemd/windrow-collector.service', import.meta.url));
  return serviceCommand({ ...COLLECTOR, unit });
}
