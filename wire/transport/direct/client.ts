/**
 * The direct transport's sending end: a POST of a compressed batch to the collector's one port.
 *
 *   POST /v1/batches   content-type: application/x-ndjson   content-encoding: gzip
 *   → 200 BatchAck once durable | 4xx never to be repeated | 429, 5xx to be repeated later
 *
 * node:http and not fetch: fetch costs the agent 10 MB more of memory. And not by an import: one
 * reads everything that node:http exports, undici's WebSocket included, and that is fetch again.
 */
import type http from 'node:http';
import type https from 'node:https';
import { gzipSync } from 'node:zlib';
import { messageOf, systemCodeOf, WindrowError } from '../../../runtime/errors.ts';
import { type Batch, type BatchAck, encodeBatch } from '../../records/batch.ts';
import type { BatchSender } from '../port.ts';
import { rejectionOf } from './status.ts';

/** Longest wait for an answer; a collector that is busy says so earlier. */
const answerMsMax = 30_000;
/** Bytes of an answer; more is no collector of ours. */
const answerBytesMax = 64 * 1024;
/** Level 1 costs a third of level 6's time for 10 % more bytes on samples. */
const gzipLevel = 1;
/** A batch of one sample has less than this; zlib's own 16 KiB each second wait for the garbage collector. */
const gzipChunkBytes = 2 * 1024;

export interface DirectClientOptions {
  /** `http://host:port` */
  readonly url: string;
  readonly token?: string | undefined;
  /** PEM certificates to trust beside the system's. */
  readonly ca?: string | undefined;
}

export interface Answer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: string;
}

export interface RequestOptions {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly body?: Buffer;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
}

/** One kept-alive connection to a collector. */
export class DirectClient implements BatchSender {
  readonly url: string;
  readonly #token: string | undefined;
  readonly #agent: http.Agent;
  readonly #module: typeof http | typeof https;

  constructor({ url, token, ca }: DirectClientOptions) {
    this.url = url;
    this.#token = token;
    // TLS is another 6 MB, so only an agent that uses it loads it.
    const secure = url.startsWith('https:');
    this.#module = process.getBuiltinModule(secure ? 'node:https' : 'node:http');
    const connections = { keepAlive: true, maxSockets: 2, ...(secure && trusting(ca)) };
    this.#agent = new this.#module.Agent(connections);
  }

  async send(batch: Batch, signal: AbortSignal): Promise<BatchAck> {
    const answer = await this.request({
      method: 'POST',
      path: '/v1/batches',
      body: gzipSync(encodeBatch(batch), { level: gzipLevel, chunkSize: gzipChunkBytes }),
      headers: { 'content-type': 'application/x-ndjson', 'content-encoding': 'gzip' },
      signal,
    });
    if (answer.status !== 200) throw this.rejection(answer);
    return parseAck(this.url, answer.body);
  }

  /** The error that an answer other than the expected one stands for. */
  rejection(answer: Answer): WindrowError {
    return rejectionOf(this.url, answer);
  }

  /** @throws WindrowError `unreachable` or `aborted` */
  async request(options: RequestOptions): Promise<Answer> {
    try {
      return await this.#exchange(options);
    } catch (error) {
      if (options.signal.aborted) throw new WindrowError('aborted', 'the request was aborted');
      if (error instanceof WindrowError) throw error;
      throw unreachable(this.url, error);
    }
  }

  async close(): Promise<void> {
    this.#agent.destroy();
  }

  #exchange(options: RequestOptions): Promise<Answer> {
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    const request = this.#module.request(`${this.url}${options.path}`, {
      method: options.method,
      agent: this.#agent,
      signal: options.signal,
      timeout: answerMsMax,
      headers: {
        ...options.headers,
        ...(options.body === undefined ? {} : { 'content-length': options.body.length }),
        ...(this.#token === undefined ? {} : { authorization: `Bearer ${this.#token}` }),
      },
    });
    request.on('timeout', () => request.destroy(new Error(`no answer in ${answerMsMax} ms`)));
    request.on('error', reject);
    request.on('response', (response) => {
      readBody(response).then(
        (body) => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }),
        reject,
      );
    });
    request.end(options.body);
    return promise;
  }
}

function trusting(ca: string | undefined): { ca?: string[] } {
  if (ca === undefined) return {};
  return { ca: [...process.getBuiltinModule('node:tls').getCACertificates(), ca] };
}

async function readBody(response: http.IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > answerBytesMax) {
      response.destroy();
      throw new Error(`answer of more than ${answerBytesMax} bytes`);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function parseAck(url: string, body: string): BatchAck {
  try {
    const ack = JSON.parse(body) as Partial<BatchAck>;
    if (typeof ack.stored === 'number' && typeof ack.now === 'number') return ack as BatchAck;
  } catch {
    // Falls through: whatever answered is no collector.
  }
  throw notACollector(url);
}

/** The error for an answer that makes no sense. */
export function notACollector(url: string): WindrowError {
  return new WindrowError('unreachable', `${url} answered, but not as a windrow collector`, {
    hint: 'Check the address (to / --to): another program listens there.',
    retryable: true,
  });
}

const unknownCa = 'Name the CA that signed the collector’s certificate with tls_ca_file.';

function unreachable(url: string, cause: unknown): WindrowError {
  const code = systemCodeOf(cause);
  const hints: Readonly<Record<string, string>> = {
    ECONNREFUSED: 'Nothing listens there: start the collector, or check host and port (to / --to).',
    ENOTFOUND: 'The name is not known: check the address (to / --to) or the DNS.',
    EAI_AGAIN: 'The DNS does not answer: check the network, or use an IP address (to / --to).',
    ETIMEDOUT: 'No answer: a firewall may be in between.',
    EHOSTUNREACH: 'No route to that host: check the network.',
    DEPTH_ZERO_SELF_SIGNED_CERT: unknownCa,
    SELF_SIGNED_CERT_IN_CHAIN: unknownCa,
    UNABLE_TO_GET_ISSUER_CERT_LOCALLY: unknownCa,
    UNABLE_TO_VERIFY_LEAF_SIGNATURE: unknownCa,
    CERT_HAS_EXPIRED: 'The collector’s certificate has expired: renew it there.',
    ERR_TLS_CERT_ALTNAME_INVALID:
      'The collector’s certificate is for another name: use that one (to / --to).',
    EPROTO: 'That port does not speak TLS: use http:// (to / --to), or check the port.',
  };
  return new WindrowError('unreachable', `cannot reach ${url}: ${messageOf(cause) || code}`, {
    cause,
    retryable: true,
    ...(code !== undefined && hints[code] !== undefined ? { hint: hints[code] } : {}),
  });
}
