/**
 * Asks the collector that runs on a data folder, on the same machine. Who can read the folder may do
 * what the page may: on a collector that asks for it, a one-time code from there lets the request in.
 */
import { once } from 'node:events';
import http from 'node:http';
import type { Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { systemClock } from '../runtime/clock.ts';
import { messageOf, WindrowError } from '../runtime/errors.ts';
import { AccessFiles } from './api/access-files.ts';
import type { Running } from './running.ts';

const answerMsMax = 10_000;
/** Characters of an answer that are kept. */
const answerCharsMax = 64 * 1024;

export interface LocalRequest {
  readonly method: 'GET' | 'DELETE';
  readonly path: string;
}

export interface LocalAnswer {
  readonly status: number;
  readonly body: string;
}

/** @throws WindrowError `unreachable`, when what answers is not that collector either */
export async function askRunning(
  dataDir: string,
  running: Running,
  request: LocalRequest,
): Promise<LocalAnswer> {
  try {
    const answer = await ask(running, request, {});
    if (answer.status !== 401) return answer;
    const code = new AccessFiles(dataDir).createLink(systemClock.wallMs());
    return await ask(running, request, { authorization: `Bearer ${code}` });
  } catch (error) {
    if (error instanceof WindrowError) throw error;
    throw new WindrowError(
      'unreachable',
      `the collector at ${running.localUrl} does not answer: ${messageOf(error)}`,
      {
        cause: error,
        retryable: true,
        hint: `It runs as process ${running.pid}; without it the same command works on the folder itself.`,
      },
    );
  }
}

async function ask(
  running: Running,
  { method, path }: LocalRequest,
  headers: Readonly<Record<string, string>>,
): Promise<LocalAnswer> {
  const signal = AbortSignal.timeout(answerMsMax);
  const url = new URL(path, running.localUrl);
  const socket = running.certificate === undefined ? undefined : await pinned(running, signal);
  const request = http.request({
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port,
    path,
    method,
    headers: { ...headers, host: url.host },
    signal,
    ...(socket === undefined ? { agent: false } : { createConnection: () => socket }),
  });
  request.end();
  const [response] = (await once(request, 'response', { signal })) as [http.IncomingMessage];
  let body = '';
  response.setEncoding('utf8');
  for await (const text of response) body = (body + String(text)).slice(0, answerCharsMax);
  socket?.destroy();
  return { status: response.statusCode ?? 0, body };
}

/** A TLS connection to the process that has the noted certificate, whatever names stand in that. */
async function pinned({ localUrl, certificate }: Running, signal: AbortSignal): Promise<Socket> {
  const { hostname, port } = new URL(localUrl);
  const socket = connectTls({ host: hostname, port: Number(port), rejectUnauthorized: false });
  try {
    await once(socket, 'secureConnect', { signal });
    if (socket.getPeerX509Certificate()?.fingerprint256 === certificate) return socket;
    throw new Error('its certificate is another one');
  } catch (error) {
    socket.destroy();
    throw error;
  }
}
