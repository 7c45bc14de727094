import { hostname } from 'node:os';
import { Command } from 'commander';
import { settingsOf, withSettings } from '../../runtime/config/flags.ts';
import { systemClock } from '../../runtime/clock.ts';
import { messageOf, WindrowError } from '../../runtime/errors.ts';
import { signalOfProcess } from '../../runtime/lifecycle.ts';
import { createNotifier } from '../alerts/notifiers/create.ts';
import type { NotifierSettings, Notifiers } from '../alerts/notifiers/settings.ts';
import { testNotification } from '../alerts/notifiers/test-notice.ts';
import { loadAlertsFile } from '../alerts/rules/load.ts';
import { alertsPath, COLLECTOR_SPEC } from '../config.ts';
import { urlOf } from './token.ts';

export function notifyCommand(): Command {
  return new Command('notify')
    .description('try the ways in which people are told of alerts')
    .addCommand(testCommand());
}

function testCommand(): Command {
  const command = withSettings(new Command('test'), COLLECTOR_SPEC, ['alerts', 'data'])
    .description('send one notification that says it is a test, now, and print the answer')
    .argument('<name>', 'the notifier, as the alerts file names it')
    .action(async (name: string) => {
      const { values } = settingsOf(command, COLLECTOR_SPEC, 'collector');
      const path = alertsPath(values);
      const settings = named(name, loadAlertsFile(path).notifiers, path);
      const context = { pageUrl: urlOf(values), clock: systemClock };
      const answer = await sent(name, settings, context);
      process.stdout.write(`${name} (${settings.type}): ${answer}\n`);
    });
  return command;
}

function named(name: string, notifiers: Notifiers, path: string): NotifierSettings {
  const settings = Object.hasOwn(notifiers, name) ? notifiers[name] : undefined;
  if (settings !== undefined) return settings;
  const names = Object.keys(notifiers);
  throw new WindrowError('input', `${path}: there is no notifier ${JSON.stringify(name)}`, {
    hint:
      names.length > 0
        ? `The notifiers are: ${names.join(', ')}.`
        : 'It has none: add one under `notifiers`, or name another file with --alerts (alerts).',
  });
}

async function sent(
  name: string,
  settings: NotifierSettings,
  context: Parameters<typeof createNotifier>[2],
): Promise<string> {
  const notification = testNotification(hostname(), context.clock.wallMs());
  try {
    return await createNotifier(name, settings, context).send(notification, signalOfProcess());
  } catch (cause) {
    if (!(cause instanceof WindrowError)) throw cause;
    throw new WindrowError(cause.code, `${name} (${settings.type}): ${messageOf(cause)}`, {
      cause,
      ...(cause.hint === undefined ? {} : { hint: cause.hint }),
    });
  }
}
