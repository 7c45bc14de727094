/**
 * The one event stream. The browser reconnects by itself and says which event it had last; this adds
 * what it leaves out: a stream that was refused for good is opened anew, and one that went dumb
 * (a laptop that slept, a cable pulled) is noticed.
 */
import type { Events } from '../../api/contract.ts';

export type Connection =
  | { readonly state: 'connecting' | 'live' }
  | { readonly state: 'reconnecting'; readonly sinceMs: number };

/** An event with its name, so that a `switch` over names knows the bodies. */
export type LiveEvent = {
  [Name in keyof Events]: { readonly name: Name; readonly body: Events[Name] };
}[keyof Events];

export interface LiveOptions {
  readonly onEvent: (event: LiveEvent) => void;
  /** The stream began anew, so events may be missing: load through REST. */
  readonly onFresh: () => void;
  readonly onConnection: () => void;
}

const eventNames = [
  'samples',
  'detail',
  'server',
  'alerts',
  'transfers',
  'intake',
  'notice',
  'reset',
] as const satisfies readonly (keyof Events)[];
const reopenMs = 1_500;
/** Servers report at least once a minute, and the collector's own events come in between. */
const dumbMs = 90_000;

export class Live {
  readonly #options: LiveOptions;
  #source: EventSource | undefined;
  #server: number | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #heardAt = 0;
  /** An event with an id came, so the browser can say where to go on from. */
  #resumable = false;
  connection: Connection = { state: 'connecting' };

  constructor(options: LiveOptions) {
    this.#options = options;
    setInterval(() => this.#watch(), dumbMs / 3);
    addEventListener('online', () => this.#reopen());
  }

  /** Follows the fleet, and one server whole when it is named. */
  open(server: number | null): void {
    clearTimeout(this.#timer);
    this.#source?.close();
    this.#server = server;
    const source = new EventSource(server === null ? 'api/events' : `api/events?server=${server}`);
    this.#source = source;
    this.#heardAt = Date.now();
    this.#resumable = false;
    source.addEventListener('open', () => {
      this.#setConnection({ state: 'live' });
      this.#heardAt = Date.now();
      // Otherwise the browser resumes, and `reset` says when it could not.
      if (!this.#resumable) this.#options.onFresh();
    });
    source.addEventListener('error', () => this.#onError(source));
    for (const name of eventNames) this.#listen(source, name);
  }

  #listen(source: EventSource, name: LiveEvent['name']): void {
    source.addEventListener(name, (event: MessageEvent<string>) => {
      this.#heardAt = Date.now();
      this.#resumable ||= event.lastEventId !== '';
      this.#options.onEvent({ name, body: JSON.parse(event.data) });
    });
  }

  #onError(source: EventSource): void {
    if (source !== this.#source) return;
    if (this.connection.state !== 'reconnecting') {
      this.#setConnection({ state: 'reconnecting', sinceMs: Date.now() });
    }
    // A browser gives up for good on an answer that is no stream, such as a proxy's 502.
    if (source.readyState === EventSource.CLOSED) {
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.#reopen(), reopenMs);
    }
  }

  #watch(): void {
    if (this.connection.state === 'live' && Date.now() - this.#heardAt > dumbMs) this.#reopen();
  }

  #reopen(): void {
    if (this.#source !== undefined) this.open(this.#server);
  }

  #setConnection(connection: Connection): void {
    this.connection = connection;
    this.#options.onConnection();
  }
}
