/** A webhook receiver in the test's process that may be down, or take a notification and not say so. */
import http from 'node:http';
import type { AddressInfo } from 'node:net';

export interface ReceivedAlert {
  /** Which alert it is, by all that the receiver can know: labels and when it began. */
  readonly alert: string;
  readonly status: 'firing' | 'resolved';
  readonly rule: string;
  /** '' for the fleet. */
  readonly server: string;
  readonly startsAtMs: number;
}

export interface Notified {
  readonly key: string;
  readonly alerts: readonly ReceivedAlert[];
  /** The sender was told that it arrived. */
  readonly confirmed: boolean;
}

/** `down`: breaks connections; `mute`: takes the notification and breaks the connection then. */
export type Mood = 'well' | 'down' | 'mute';

interface WebhookBody {
  readonly alerts: readonly {
    readonly status: 'firing' | 'resolved';
    readonly fingerprint: string;
    readonly startsAt: string;
    readonly labels: { readonly alertname: string; readonly server?: string };
  }[];
}

export class Receiver implements AsyncDisposable {
  /** In the order of arrival. */
  readonly notified: Notified[] = [];
  mood: Mood = 'well';
  readonly #server: http.Server;

  private constructor() {
    this.#server = http.createServer((request, response) => {
      this.#take(request, response).catch(() => response.destroy());
    });
  }

  static async open(): Promise<Receiver> {
    const receiver = new Receiver();
    await new Promise<void>((resolve) => receiver.#server.listen(0, '127.0.0.1', resolve));
    return receiver;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`;
  }

  /** Alerts whose firing it knows of and whose end it does not. */
  unresolved(): string[] {
    const last = new Map<string, ReceivedAlert['status']>();
    for (const { alerts } of this.notified) {
      for (const { alert, status } of alerts) last.set(alert, status);
    }
    return [...last].filter(([, status]) => status === 'firing').map(([alert]) => alert);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #take(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    if (this.mood === 'down') return void response.destroy();
    const { alerts } = JSON.parse(Buffer.concat(chunks).toString()) as WebhookBody;
    const mute = this.mood === 'mute';
    this.notified.push({
      key: String(request.headers['idempotency-key']),
      alerts: alerts.map(({ status, fingerprint, startsAt, labels }) => ({
        alert: `${fingerprint} ${startsAt}`,
        status,
        rule: labels.alertname,
        server: labels.server ?? '',
        startsAtMs: Date.parse(startsAt),
      })),
      confirmed: !mute,
    });
    if (mute) response.destroy();
    else response.writeHead(200).end();
  }
}
