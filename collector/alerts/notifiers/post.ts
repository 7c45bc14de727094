/** One POST of JSON to a receiver of notifications, and what its answer means. */
import { readFileSync } from 'node:fs';
import { messageOf, WindrowError } from '../../../runtime/errors.ts';

/** Bytes read of an answer: enough to see why a receiver refused. */
const answerBytesMax = 4 * 1024;
/** Longest wait that a receiver may ask for. */
const retryAfterMsMax = 60 * 60 * 1000;
const secretBytesMax = 8 * 1024;

export interface Post {
  readonly url: string;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Its content goes along as a bearer token; read anew each time, so it can be replaced. */
  readonly tokenFile: string | undefined;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/**
 * @returns the status, `200 OK`
 * @throws WindrowError `unreachable`, `refused`, `unauthorized`, `overloaded`, `aborted`, or `config`
 *   when the token cannot be read. No text of it holds the address's path, which may be a secret.
 */
export async function postJson(post: Post): Promise<string> {
  const headers = {
    'content-type': 'application/json',
    ...post.headers,
    ...(post.tokenFile === undefined
      ? {}
      : { authorization: `Bearer ${readSecret('token_file', post.tokenFile)}` }),
  };
  const timeout = AbortSignal.timeout(post.timeoutMs);
  try {
    const response = await fetch(post.url, {
      method: 'POST',
      headers,
      body: post.body,
      // A redirect would take the token elsewhere.
      redirect: 'manual',
      signal: AbortSignal.any([post.signal, timeout]),
    });
    const text = await beginningOf(response);
    if (!response.ok) throw refusal(response, text);
    return `${response.status} ${response.statusText}`.trim();
  } catch (error) {
    if (post.signal.aborted) throw new WindrowError('aborted', 'the request was aborted');
    if (error instanceof WindrowError) throw error;
    if (timeout.aborted) throw unreachable(`no answer in ${post.timeoutMs} ms`, error);
    throw unreachable(`cannot reach the receiver: ${causeOf(error)}`, error);
  }
}

/** The one line of a file. @throws WindrowError `config`, retryable: the file may be mended. */
export function readSecret(key: string, path: string): string {
  try {
    const line = readFileSync(path, 'utf8').trim();
    if (line !== '' && line.length <= secretBytesMax && /^[\x21-\x7e]+$/.test(line)) return line;
  } catch (error) {
    throw secretError(`${key}: ${messageOf(error)}`, error);
  }
  throw secretError(`${key}: ${path} must hold one line of text without blanks`);
}

function secretError(message: string, cause?: unknown): WindrowError {
  return new WindrowError('config', message, {
    cause,
    retryable: true,
    hint: 'Name a file that this user may read.',
  });
}

async function beginningOf(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    chunks.push(chunk);
    bytes += chunk.length;
    // Leaving the loop cancels the rest.
    if (bytes >= answerBytesMax) break;
  }
  return Buffer.concat(chunks).subarray(0, answerBytesMax).toString('utf8');
}

/** What may be mended at the other end without a new notification: a token, a load, a time-out. */
const PASSING: ReadonlySet<number> = new Set([401, 403, 408, 421, 425, 429]);

function refusal(response: Response, text: string): WindrowError {
  const { status } = response;
  const said = text.replaceAll(/\s+/g, ' ').trim().slice(0, 200);
  const retryAfterMs = retryAfterOf(response.headers.get('retry-after'));
  return new WindrowError(
    status === 401 || status === 403 ? 'unauthorized' : status === 429 ? 'overloaded' : 'refused',
    `the receiver answered ${status}${said === '' ? '' : `: ${said}`}`,
    {
      retryable: status >= 500 || PASSING.has(status),
      ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    },
  );
}

/** Seconds or a date (RFC 9110, 10.2.3). */
function retryAfterOf(header: string | null): number | undefined {
  if (header === null) return undefined;
  const ms = /^\d+$/.test(header) ? Number(header) * 1000 : Date.parse(header) - Date.now();
  return ms > 0 ? Math.min(ms, retryAfterMsMax) : undefined;
}

function unreachable(message: string, cause: unknown): WindrowError {
  return new WindrowError('unreachable', message, { cause, retryable: true });
}

/** fetch says `fetch failed`, and why in the cause. */
function causeOf(error: unknown): string {
  const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
  const { code } = cause as { code?: unknown };
  return messageOf(cause) || (typeof code === 'string' ? code : 'unknown');
}
