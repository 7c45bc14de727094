/** Hands alerts to an Alertmanager (API v2), which groups, silences and forwards by its own rules. */
import type { Clock } from '../../../runtime/clock.ts';
import type { AlertNotice } from '../alert.ts';
import { postableAlerts } from './payload.ts';
import type { Notification, Notifier } from './port.ts';
import { postJson } from './post.ts';
import type { AlertmanagerSettings } from './settings.ts';

export interface AlertmanagerContext {
  readonly pageUrl: string;
  readonly clock: Clock;
}

export class Alertmanager implements Notifier {
  readonly #settings: AlertmanagerSettings;
  readonly #context: AlertmanagerContext;

  constructor(settings: AlertmanagerSettings, context: AlertmanagerContext) {
    this.#settings = settings;
    this.#context = context;
  }

  /** A repeat changes nothing there: an alert is its labels and its start. */
  send({ notices }: Notification, signal: AbortSignal): Promise<string> {
    return this.#post(notices, signal);
  }

  /** Its alerts live in memory and end by themselves unless they are posted again. */
  async remind(firing: readonly AlertNotice[], signal: AbortSignal): Promise<void> {
    await this.#post(firing, signal);
  }

  #post(notices: readonly AlertNotice[], signal: AbortSignal): Promise<string> {
    const { pageUrl, clock } = this.#context;
    const { url, token_file: tokenFile, timeout: timeoutMs } = this.#settings;
    return postJson({
      url: `${url.replace(/\/+$/, '')}/api/v2/alerts`,
      body: JSON.stringify(postableAlerts(notices, { pageUrl, nowMs: clock.wallMs() })),
      tokenFile,
      timeoutMs,
      signal,
    });
  }
}
