/** 200 servers that send a sample each second, and breach once each: over HTTP or over Kafka. */
import http from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { systemClock } from '../runtime/clock.ts';
import { type Batch, encodeBatch } from '../wire/records/batch.ts';
import { SAMPLES_TOPIC } from '../wire/records/record.ts';
import { createLogSender } from '../wire/transport/log/sender.ts';
import { WIRE_VERSION } from '../wire/version.ts';
import { makeTopics, never, openLog } from './kafka-log.ts';

export const SERVERS = 200;
const intervalMs = 1_000;
/** The collector's defaults. */
const slideMs = 10_000;
export const defaultLatenessMs = 5_000;
/** Each server breaches at some moment of it. */
const breachesMs = 40_000;
/** Until the last breaching window is complete and has been told of, also by who polls. */
const afterMs = 30_000;
/** Each agent has a producer of its own; so many share the work of 200, that none waits for others. */
const producers = 10;

/** Resolves when the batch is acknowledged. */
type Send = (batch: Batch) => Promise<unknown>;

export interface Transport {
  /** For one server. */
  sender(server: number): Send;
  close(): Promise<void>;
}

class Server {
  readonly id: string;
  readonly #breachAtMs: number;
  readonly #latenessMs: number;
  #seq = 0;
  /** End of the first window that holds the breach; undefined before it. */
  #windowEndMs: number | undefined;
  /** When the batch was acknowledged that completed that window, on the monotonic clock. */
  completedMs: number | undefined;

  constructor(id: string, breachAtMs: number, latenessMs: number) {
    this.id = id;
    this.#breachAtMs = breachAtMs;
    this.#latenessMs = latenessMs;
  }

  /** When that window ended, on the monotonic clock. */
  get windowEndedMs(): number | undefined {
    if (this.#windowEndMs === undefined) return undefined;
    return this.#windowEndMs - performance.timeOrigin;
  }

  async sample(send: Send): Promise<void> {
    const ts = Date.now();
    const breaches = this.#windowEndMs === undefined && ts >= this.#breachAtMs;
    if (breaches) this.#windowEndMs = (Math.floor(ts / slideMs) + 1) * slideMs;
    const completes =
      this.completedMs === undefined &&
      this.#windowEndMs !== undefined &&
      ts - this.#latenessMs >= this.#windowEndMs;
    const [server_id, boot_id, seq] = [this.id, `boot-${this.id}`, this.#seq];
    this.#seq += 1;
    const value = { v: WIRE_VERSION, server_id, ts, boot_id, seq, cpu_pct: breaches ? 99 : 20 };
    const header = { v: WIRE_VERSION, server_id, boot_id, sent_at: ts } as const;
    await send({ header, records: [{ topic: SAMPLES_TOPIC, key: server_id, value }] });
    if (completes) this.completedMs = performance.now();
  }
}

export class AlertLoad {
  readonly #transport: Transport;
  readonly #servers: readonly Server[];
  readonly #startMs = Date.now();

  /** @param latenessMs the collector's */
  constructor(transport: Transport, latenessMs = defaultLatenessMs) {
    this.#transport = transport;
    this.#servers = Array.from(
      { length: SERVERS },
      (_, i) => new Server(`pc-${i}`, this.#startMs + Math.random() * breachesMs, latenessMs),
    );
  }

  /** Each server samples at its own place in the second. */
  async run(): Promise<void> {
    const endMs = this.#startMs + breachesMs + afterMs;
    const life = async (server: Server, send: Send, phaseMs: number): Promise<void> => {
      for (let dueMs = this.#startMs + phaseMs; dueMs < endMs; dueMs += intervalMs) {
        await pause(Math.max(0, dueMs - Date.now()));
        await server.sample(send);
      }
    };
    await Promise.all(
      this.#servers.map((server, i) =>
        life(server, this.#transport.sender(i), Math.random() * intervalMs),
      ),
    );
    await this.#transport.close();
  }

  /** By server: when the batch was acknowledged that completed its breaching window. */
  completedMs(): ReadonlyMap<string, number> {
    return this.#byServer(({ completedMs }) => completedMs);
  }

  /** By server: when its breaching window ended. */
  endedMs(): ReadonlyMap<string, number> {
    return this.#byServer(({ windowEndedMs }) => windowEndedMs);
  }

  #byServer(timeOf: (server: Server) => number | undefined): ReadonlyMap<string, number> {
    return new Map(
      this.#servers.flatMap((server) => {
        const ms = timeOf(server);
        return ms === undefined ? [] : [[server.id, ms]];
      }),
    );
  }
}

export function overHttp(url: string): Transport {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 32 });
  return {
    sender: () => (batch) => post(encodeBatch(batch), `${url}/v1/batches`, agent),
    close: async () => agent.destroy(),
  };
}

export async function overKafka(brokers: readonly string[]): Promise<Transport> {
  const log = await openLog(brokers);
  await makeTopics(log, [SAMPLES_TOPIC]);
  const senders = Array.from({ length: producers }, () =>
    createLogSender({ log, topics: [], clock: systemClock }),
  );
  return {
    sender: (server) => async (batch) => senders[server % producers]?.send(batch, never),
    close: async () => void (await Promise.all(senders.map((sender) => sender.close()))),
  };
}

function post(body: string, url: string, agent: http.Agent): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const request = http.request(url, {
    agent,
    method: 'POST',
    headers: {
      'content-type': 'application/x-ndjson',
      'content-length': Buffer.byteLength(body),
    },
  });
  request.on('error', reject);
  request.on('response', (response) => {
    response.resume();
    response.on('end', () => {
      if (response.statusCode === 200) resolve();
      else reject(new Error(`the collector answered ${response.statusCode}`));
    });
  });
  request.end(body);
  return promise;
}
