/** The load of `bench alerts`: 200 servers that send a sample each second, and breach once each. */
import http from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { encodeBatch } from '../wire/records/batch.ts';
import { SAMPLES_TOPIC } from '../wire/records/record.ts';
import { WIRE_VERSION } from '../wire/version.ts';

export const SERVERS = 200;
const intervalMs = 1_000;
/** The collector's defaults. */
const slideMs = 10_000;
const latenessMs = 5_000;
/** Each server breaches at some moment of it. */
const breachesMs = 40_000;
/** Until the last breaching window is complete and has been told of, also by who polls. */
const afterMs = 30_000;

class Server {
  readonly id: string;
  readonly #breachAtMs: number;
  #seq = 0;
  /** End of the first window that holds the breach; undefined before it. */
  #windowEndMs: number | undefined;
  /** When the batch was acknowledged that completed that window, on the monotonic clock. */
  completedMs: number | undefined;

  constructor(id: string, breachAtMs: number) {
    this.id = id;
    this.#breachAtMs = breachAtMs;
  }

  async sample(post: (body: string) => Promise<void>): Promise<void> {
    const ts = Date.now();
    const breaches = this.#windowEndMs === undefined && ts >= this.#breachAtMs;
    if (breaches) this.#windowEndMs = (Math.floor(ts / slideMs) + 1) * slideMs;
    const completes =
      this.completedMs === undefined &&
      this.#windowEndMs !== undefined &&
      ts - latenessMs >= this.#windowEndMs;
    const [server_id, boot_id, seq] = [this.id, `boot-${this.id}`, this.#seq];
    this.#seq += 1;
    const value = { v: WIRE_VERSION, server_id, ts, boot_id, seq, cpu_pct: breaches ? 99 : 20 };
    const header = { v: WIRE_VERSION, server_id, boot_id, sent_at: ts } as const;
    await post(encodeBatch({ header, records: [{ topic: SAMPLES_TOPIC, value }] }));
    if (completes) this.completedMs = performance.now();
  }
}

export class AlertLoad {
  readonly #url: string;
  readonly #agent = new http.Agent({ keepAlive: true, maxSockets: 32 });
  readonly #servers: readonly Server[];
  readonly #startMs = Date.now();

  constructor(url: string) {
    this.#url = url;
    this.#servers = Array.from(
      { length: SERVERS },
      (_, i) => new Server(`pc-${i}`, this.#startMs + Math.random() * breachesMs),
    );
  }

  /** Each server samples at its own place in the second. */
  async run(): Promise<void> {
    const endMs = this.#startMs + breachesMs + afterMs;
    const life = async (server: Server, phaseMs: number): Promise<void> => {
      for (let dueMs = this.#startMs + phaseMs; dueMs < endMs; dueMs += intervalMs) {
        await pause(Math.max(0, dueMs - Date.now()));
        await server.sample((body) => this.#post(body));
      }
    };
    await Promise.all(this.#servers.map((server) => life(server, Math.random() * intervalMs)));
    this.#agent.destroy();
  }

  /** By server: when the batch was acknowledged that completed its breaching window. */
  completedMs(): ReadonlyMap<string, number> {
    return new Map(
      this.#servers.flatMap(({ id, completedMs }) =>
        completedMs === undefined ? [] : [[id, completedMs]],
      ),
    );
  }

  #post(body: string): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const request = http.request(`${this.#url}/v1/batches`, {
      agent: this.#agent,
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
}
