/**
 * The network between one agent and the collector: an HTTP proxy in the test's process that cuts,
 * delays, doubles, reorders and loses what passes, as its dice say.
 */
import http from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { gunzipSync } from 'node:zlib';
import { pause } from '../../runtime/lifecycle.ts';
import { decodeBatch } from '../../wire/records/batch-decode.ts';
import type { Dice } from './dice.ts';
import { fairWeather, type Weather } from './schedule.ts';

/** How long a request may be on its way. */
const delayMsMax = 800;
const heldMsMax = 5_000;
/** Headers that mean something to the collector. */
const PASSED_HEADERS = ['content-type', 'content-encoding'] as const;

interface Request {
  readonly method: string;
  readonly path: string;
  readonly headers: http.OutgoingHttpHeaders;
  readonly body: Buffer;
}

interface Answer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: Buffer;
}

export interface LinkOptions {
  readonly weather: Weather;
  readonly dice: Dice;
  /** `http://host:port` of the collector; undefined while there is none. */
  readonly target: () => string | undefined;
}

export class Link implements AsyncDisposable {
  readonly #options: LinkOptions;
  readonly #server: http.Server;
  readonly #sockets = new Set<Socket>();
  /** One connection a request: a kept one may belong to a collector that is gone. */
  readonly #connections = new http.Agent({ keepAlive: false });
  readonly #closing = new AbortController();
  /** Requests that still arrive though their sender has given up, or a second time. */
  readonly #straying = new Set<Promise<void>>();
  #weather: Weather;
  #cut = false;
  #oldestWaitsMs: number | undefined;

  private constructor(options: LinkOptions) {
    this.#options = options;
    this.#weather = options.weather;
    this.#server = http.createServer((request, response) => {
      this.#take(request, response).catch(() => response.destroy());
    });
    this.#server.on('connection', (socket: Socket) => {
      if (this.#cut) return void socket.destroy();
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
    });
  }

  static async open(options: LinkOptions): Promise<Link> {
    const link = new Link(options);
    await new Promise<void>((resolve) => link.#server.listen(0, '127.0.0.1', resolve));
    return link;
  }

  /** Where the agent sends to. */
  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /**
   * Age of the oldest sample that still waited at the agent beside those of the last batch that was
   * answered; undefined when none was since `forgetWaiting`.
   */
  get oldestWaitsMs(): number | undefined {
    return this.#oldestWaitsMs;
  }

  forgetWaiting(): void {
    this.#oldestWaitsMs = undefined;
  }

  /** Connections break, and new ones do too, until `heal`. */
  cut(): void {
    this.#cut = true;
    for (const socket of this.#sockets) socket.destroy();
  }

  heal(): void {
    this.#cut = false;
  }

  /** No more faults; resolves when nothing strays any longer. */
  async calm(): Promise<void> {
    this.heal();
    this.#weather = fairWeather;
    await Promise.all(this.#straying);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
    await Promise.all(this.#straying);
  }

  async #take(incoming: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const request: Request = {
      method: incoming.method ?? 'GET',
      path: incoming.url ?? '/',
      headers: Object.fromEntries(PASSED_HEADERS.map((name) => [name, incoming.headers[name]])),
      body: await readAll(incoming),
    };
    const fate = this.#fate();
    if (fate.halved) {
      await this.#forward(request, Math.floor(request.body.length / 2)).catch(() => undefined);
      response.destroy();
      return;
    }
    if (fate.held) {
      response.destroy();
      this.#stray(request, fate.waitMs);
      return;
    }
    if (fate.delayed) await pause(fate.waitMs, this.#closing.signal);
    const answer = await this.#forward(request);
    if (fate.doubled) this.#stray(request, fate.waitMs);
    if (fate.unanswered) response.destroy();
    else this.#give(request, answer, response);
  }

  /** Draws as many numbers for each request, so that the n-th one's fate depends on nothing else. */
  #fate() {
    const { dice } = this.#options;
    const { delayed, doubled, held, unanswered, halved } = this.#weather;
    const fate = {
      delayed: dice.chance(delayed),
      doubled: dice.chance(doubled),
      held: dice.chance(held),
      unanswered: dice.chance(unanswered),
      halved: dice.chance(halved),
    };
    const share = dice.next();
    return { ...fate, waitMs: share * (fate.held || fate.doubled ? heldMsMax : delayMsMax) };
  }

  #give(request: Request, answer: Answer, response: http.ServerResponse): void {
    if (answer.status === 200 && request.path === '/v1/batches') {
      const [header = ''] = gunzipSync(request.body).toString().split('\n', 1);
      const { sent_at: sentMs, pending_from_ms: pendingFromMs } = decodeBatch(header).header;
      this.#oldestWaitsMs = sentMs - (pendingFromMs ?? sentMs);
    }
    const { 'retry-after': retryAfter, 'content-type': type } = answer.headers;
    response.writeHead(answer.status, {
      ...(type === undefined ? {} : { 'content-type': type }),
      ...(retryAfter === undefined ? {} : { 'retry-after': retryAfter }),
    });
    response.end(answer.body);
  }

  #stray(request: Request, waitMs: number): void {
    const arrival = (async () => {
      await pause(waitMs, this.#closing.signal);
      // Nobody waits for the answer, and a collector that is away gets nothing.
      if (!this.#closing.signal.aborted) await this.#forward(request).catch(() => undefined);
    })();
    this.#straying.add(arrival);
    void arrival.then(() => this.#straying.delete(arrival));
  }

  /** @param bytes of the body after which the connection breaks; all of it when not given */
  #forward(request: Request, bytes?: number): Promise<Answer> {
    const target = this.#options.target();
    if (target === undefined) return Promise.reject(new Error('there is no collector now'));
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    const outgoing = http.request(`${target}${request.path}`, {
      method: request.method,
      headers: { ...request.headers, 'content-length': request.body.length },
      agent: this.#connections,
      signal: this.#closing.signal,
    });
    outgoing.on('error', reject);
    outgoing.on('response', (response) => {
      readAll(response).then(
        (body) => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }),
        reject,
      );
    });
    if (bytes === undefined) outgoing.end(request.body);
    else outgoing.write(request.body.subarray(0, bytes), () => outgoing.destroy());
    return promise;
  }
}

async function readAll(stream: http.IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}
