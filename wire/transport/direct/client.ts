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
import { urlToHttpOptions } from 'node:url';
import { gzipSync } from 'node:zlib';
import { messageOf, systemCodeOf, WindrowError } from '../../../runtime/errors.ts';
import { type Batch, type BatchAck, encodeBatch } from '../../records/batch.ts';
import type { BatchSender } from '../port.ts';
import { rejectionOf } from './status.ts';

/** Longest wait for an answer; a collector that is busy says so earlier. */
const answerMsDefault = 30_000;
/** Connections at a time: two batches are on their way. */
const connectionsDefault = 2;
/** Bytes of an answer; more is no collector of ours. */
const answerBytesMax = 64 * 1024;
/** Level 1 costs a third of level 6's time for 10 % more bytes on samples. */
const gzipLevel = 1;
/** A batch of one sample has less than this; zlib's own 16 KiB each second wait for the garbage collector. */
const gzipChunkBytes = 2 * 1024;
/** What fits into a window of 2^13 bytes needs no larger one; zlib's usual 256 KiB take longer to clear than a sample to compress. */
const smallBytesMax = 8 * 1024;
const smallGzip = { windowBits: 13, memLevel: 6 };

const batchHeaders = ['content-type', 'application/x-ndjson', 'content-encoding', 'gzip'];

export interface DirectClientOptions {
  /** An origin, `http://host:port`. */
  readonly url: string;
  readonly token?: string | undefined;
  /** PEM certificates to trust beside the system's. */
  readonly ca?: string | undefined;
  /** Requests beyond these wait for one of them. */
  readonly connectionsMax?: number;
  /** An answer that takes longer is none. */
  readonly answerMsMax?: number;
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
  /** Names and values by turns. */
  readonly headers?: readonly string[];
  readonly signal: AbortSignal;
}

/** One kept-alive connection to a collector. */
export class DirectClient implements BatchSender {
  readonly url: string;
  readonly #answerMsMax: number;
  readonly #agent: http.Agent;
  readonly #module: typeof http | typeof https;
  /** Of all requests: the address is taken apart once, since an agent sends each second. */
  readonly #common: http.RequestOptions;
  /** Names and values by turns. */
  readonly #headers: readonly string[];

  constructor(options: DirectClientOptions) {
    const { url, token, ca, connectionsMax = connectionsDefault } = options;
    this.url = url;
    this.#answerMsMax = options.answerMsMax ?? answerMsDefault;
    // TLS is another 6 MB, so only an agent that uses it loads it.
    const secure = url.startsWith('https:');
    this.#module = process.getBuiltinModule(secure ? 'node:https' : 'node:http');
    const connections = {
      keepAlive: true,
      maxSockets: connectionsMax,
      ...(secure && trusting(ca)),
    };
    this.#agent = new this.#module.Agent(connections);
    const address = new URL(url);
    const { hostname, port } = urlToHttpOptions(address);
    this.#common = { hostname, port, agent: this.#agent, timeout: this.#answerMsMax };
    const authorization = token === undefined ? [] : ['authorization', `Bearer ${token}`];
    this.#headers = ['host', address.host, ...authorization];
  }

  async send(batch: Batch, signal: AbortSignal): Promise<BatchAck> {
    const answer = await this.request({
      method: 'POST',
      path: '/v1/batches',
      body: compressed(encodeBatch(batch)),
      headers: batchHeaders,
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
      options.signal.throwIfAborted();
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

  /**
   * The cheaper of node:http's ways, which an agent goes each second: headers in an array, which are
   * only written down; a listener of our own instead of its `signal`, for which it adds a dozen; and
   * for an answer of one piece no iterator.
   */
  #exchange({ method, path, body, headers = [], signal }: RequestOptions): Promise<Answer> {
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    const length = body === undefined ? [] : ['content-length', String(body.length)];
    const request = this.#module.request({
      ...this.#common,
      method,
      path,
      headers: [...this.#headers, ...headers, ...length],
    });
    const onAbort = (): void => void request.destroy(new Error('aborted'));
    signal.addEventListener('abort', onAbort);
    request.on('timeout', () => request.destroy(new Error(`no answer in ${this.#answerMsMax} ms`)));
    request.on('error', reject);
    request.on('response', (response) => readAnswer(response, resolve, reject));
    request.end(body);
    return promise.finally(() => signal.removeEventListener('abort', onAbort));
  }
}

function trusting(ca: string | undefined): { ca?: string[] } {
  if (ca === undefined) return {};
  return { ca: [...process.getBuiltinModule('node:tls').getCACertificates(), ca] };
}

function readAnswer(
  response: http.IncomingMessage,
  resolve: (answer: Answer) => void,
  reject: (error: unknown) => void,
): void {
  const chunks: Buffer[] = [];
  let bytes = 0;
  response.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > answerBytesMax) {
      response.destroy(new Error(`answer of more than ${answerBytesMax} bytes`));
    } else {
      chunks.push(chunk);
    }
  });
  // One that breaks off ends by an error, not by this.
  response.on('error', reject);
  response.on('end', () => {
    const { statusCode: status = 0, headers } = response;
    resolve({ status, headers, body: Buffer.concat(chunks).toString('utf8') });
  });
}

function compressed(text: string): Buffer {
  const bytes = Buffer.from(text);
  const options = { level: gzipLevel, chunkSize: gzipChunkBytes };
  return gzipSync(bytes, bytes.length > smallBytesMax ? options : { ...options, ...smallGzip });
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
    CERT_HAS_EXPIRED:
      'The collector’s certificate has expired: renew it there. If it has not ended yet, this machine’s clock is ahead: set it, best by NTP.',
    CERT_NOT_YET_VALID:
      'The collector’s certificate is not valid yet: most likely this machine’s clock is behind, set it, best by NTP. If it is right, renew the certificate there.',
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
