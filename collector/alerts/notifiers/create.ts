/** The notifier that settings stand for. */
import type { Clock } from '../../../runtime/clock.ts';
import { Alertmanager } from './alertmanager.ts';
import { CommandNotifier } from './command.ts';
import type { Notifier } from './port.ts';
import type { NotifierSettings } from './settings.ts';
import { Webhook } from './webhook.ts';

export interface NotifierContext {
  /** `http://host:port`, where a person finds the page. */
  readonly pageUrl: string;
  readonly clock: Clock;
}

export function createNotifier(
  name: string,
  settings: NotifierSettings,
  context: NotifierContext,
): Notifier {
  const addressing = { receiver: name, pageUrl: context.pageUrl };
  switch (settings.type) {
    case 'webhook':
      return new Webhook(settings, addressing);
    case 'alertmanager':
      return new Alertmanager(settings, context);
    case 'command':
      return new CommandNotifier(settings, addressing);
  }
}
