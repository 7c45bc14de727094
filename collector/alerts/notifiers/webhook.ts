/** Tells a web service, in the shape in which Alertmanager does, so that whatever reads that reads us. */
import { WindrowError } from '../../../runtime/errors.ts';
import { type Addressing, webhookMessage } from './payload.ts';
import type { Notification, Notifier } from './port.ts';
import { postJson, readSecret } from './post.ts';
import { httpAddress, type WebhookSettings } from './settings.ts';

export class Webhook implements Notifier {
  readonly #settings: WebhookSettings;
  readonly #addressing: Addressing;

  constructor(settings: WebhookSettings, addressing: Addressing) {
    this.#settings = settings;
    this.#addressing = addressing;
  }

  async send(notification: Notification, signal: AbortSignal): Promise<string> {
    return postJson({
      url: this.#url(),
      body: JSON.stringify(webhookMessage(notification, this.#addressing)),
      headers: { 'idempotency-key': notification.key },
      tokenFile: this.#settings.token_file,
      timeoutMs: this.#settings.timeout,
      signal,
    });
  }

  #url(): string {
    const { url, url_file: path = '' } = this.#settings;
    if (url !== undefined) return url;
    const parsed = httpAddress.safeParse(readSecret('url_file', path));
    if (parsed.success) return parsed.data;
    throw new WindrowError('config', `url_file: ${path} must hold an http or https address`, {
      retryable: true,
    });
  }
}
