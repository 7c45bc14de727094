/**
 * Live events for open pages. Events carry a number; a page that reconnects gets what it missed
 * from a bounded memory, or is told to load anew.
 */
import { randomUUID } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import type { Clock } from '../../runtime/clock.ts';
import type { AlertSummary, Events, IntakeView, ServerSummary, TransfersView } from './contract.ts';
import { valuesOrNull } from './present.ts';

/** Open pages at most. */
export const clientsMax = 200;
/** Events kept for those that reconnect, by number (some two minutes) and by size (below `lagBytesMax`: catching up must not cut the page off). */
const keptEventsMax = 600;
const keptCharsMax = 3 * 1024 * 1024;
/** With no page open for this long, nothing is kept and nothing gathered. */
const desertedMs = 2 * 60_000;
/** Rows of one event. A backlog that comes in faster is not shown sample by sample: pages load anew. */
const rowsMax = 2_000;
const resetEveryMs = 5_000;
/** Samples gathered for at most this long make one event. */
const gatherMs = 200;
/** Bytes that a page may lag behind before it is cut off; it then reconnects and catches up. */
const lagBytesMax = 4 * 1024 * 1024;
/** A comment this often keeps proxies from closing a quiet stream. */
const heartbeatMs = 15_000;

interface KeptEvent {
  readonly no: number;
  readonly text: string;
}

interface Client {
  readonly stream: ServerResponse;
  readonly serverNo: number | undefined;
}

export class Hub {
  /** Tells this run's numbers from an earlier run's. */
  readonly #run = randomUUID().slice(0, 8);
  readonly #clients = new Set<Client>();
  readonly #kept: KeptEvent[] = [];
  readonly #clock: Clock;
  #keptChars = 0;
  #nextNo = 1;
  #rows: (readonly (number | null)[])[] = [];
  #overflowed = false;
  #lastResetMs = Number.NEGATIVE_INFINITY;
  #lastClientMs = Number.NEGATIVE_INFINITY;
  /** Nobody has looked for `desertedMs`, or ever. */
  #deserted = true;
  #timer: NodeJS.Timeout | undefined;
  readonly #heartbeat: NodeJS.Timeout;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#heartbeat = setInterval(() => this.#toAll(': \n\n'), heartbeatMs);
    this.#heartbeat.unref();
  }

  get clients(): number {
    return this.#clients.size;
  }

  /** Whether no further page can be taken. */
  get isFull(): boolean {
    return this.#clients.size >= clientsMax;
  }

  /** Whether somebody looks at this server. */
  isWatched(serverNo: number): boolean {
    for (const client of this.#clients) if (client.serverNo === serverNo) return true;
    return false;
  }

  /** Attaches an open response. @returns false when there are too many pages */
  attach(
    stream: ServerResponse,
    { serverNo, lastEventId }: { serverNo: number | undefined; lastEventId: string | undefined },
  ): boolean {
    if (this.isFull) return false;
    const client = { stream, serverNo };
    stream.write('retry: 1000\n\n');
    this.#catchUp(client, lastEventId);
    this.#clients.add(client);
    this.#deserted = false;
    stream.on('close', () => {
      this.#clients.delete(client);
      this.#lastClientMs = this.#clock.monotonicMs();
    });
    return true;
  }

  /** Makes a row of `Events.samples`. @param values NaN is unavailable */
  sample(serverNo: number, tsMs: number, values: readonly number[]): void {
    if (this.#isDeserted()) {
      // Numbers go on, so that a page from before sees that it missed something.
      this.#nextNo += 1;
      return;
    }
    if (this.#rows.length >= rowsMax) this.#overflowed = true;
    else this.#rows.push([serverNo, tsMs, ...valuesOrNull(values)]);
    this.#timer ??= setTimeout(() => this.#flushSamples(), gatherMs);
  }

  detail(detail: Events['detail']): void {
    const text = encode('detail', detail, undefined);
    for (const client of this.#clients) {
      if (client.serverNo === detail.id) this.#send(client, text);
    }
  }

  server(summary: ServerSummary): void {
    this.#publish('server', summary);
  }

  alerts(changed: readonly AlertSummary[]): void {
    this.#publish('alerts', changed);
  }

  transfers(changed: TransfersView): void {
    this.#publish('transfers', changed);
  }

  intake(view: IntakeView): void {
    this.#publish('intake', view);
  }

  notice(text: string, ts: number): void {
    this.#publish('notice', { ts, text });
  }

  /** Ends every stream. */
  close(): void {
    clearInterval(this.#heartbeat);
    clearTimeout(this.#timer);
    for (const { stream } of this.#clients) stream.end();
    this.#clients.clear();
  }

  #flushSamples(): void {
    this.#timer = undefined;
    const rows = this.#rows;
    this.#rows = [];
    if (!this.#overflowed) {
      this.#publish('samples', rows);
      return;
    }
    const nowMs = this.#clock.monotonicMs();
    const waitMs = this.#lastResetMs + resetEveryMs - nowMs;
    if (waitMs > 0) {
      // Owed even if nothing comes any more.
      this.#timer = setTimeout(() => this.#flushSamples(), waitMs);
      return;
    }
    this.#overflowed = false;
    this.#lastResetMs = nowMs;
    this.#publish('reset', { now: this.#clock.wallMs() });
  }

  #isDeserted(): boolean {
    if (this.#deserted || this.#clients.size > 0) return this.#deserted;
    if (this.#clock.monotonicMs() - this.#lastClientMs < desertedMs) return false;
    this.#kept.length = 0;
    this.#keptChars = 0;
    this.#deserted = true;
    return true;
  }

  #publish<K extends keyof Events>(name: K, data: Events[K]): void {
    const no = this.#nextNo;
    this.#nextNo += 1;
    if (this.#isDeserted()) return;
    const text = encode(name, data, `${this.#run}-${no}`);
    this.#kept.push({ no, text });
    this.#keptChars += text.length;
    while (this.#kept.length > keptEventsMax || this.#keptChars > keptCharsMax) {
      this.#keptChars -= this.#kept.shift()?.text.length ?? 0;
    }
    this.#toAll(text);
  }

  #toAll(text: string): void {
    for (const client of this.#clients) this.#send(client, text);
  }

  #send(client: Client, text: string): void {
    if (client.stream.writableLength > lagBytesMax) {
      this.#clients.delete(client);
      client.stream.destroy();
      return;
    }
    client.stream.write(text);
  }

  #catchUp(client: Client, lastEventId: string | undefined): void {
    if (lastEventId === undefined) return;
    const [run, no] = lastEventId.split('-');
    const missedFrom = Number(no) + 1;
    const known = run === this.#run && missedFrom >= (this.#kept[0]?.no ?? this.#nextNo);
    if (!known) {
      this.#send(
        client,
        encode('reset', { now: this.#clock.wallMs() }, `${this.#run}-${this.#nextNo - 1}`),
      );
      return;
    }
    for (const event of this.#kept) if (event.no >= missedFrom) this.#send(client, event.text);
  }
}

function encode<K extends keyof Events>(name: K, data: Events[K], id: string | undefined): string {
  const idLine = id === undefined ? '' : `id: ${id}\n`;
  return `${idLine}event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
}
