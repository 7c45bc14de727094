/** A web service that gets notifications: real HTTP on loopback, its answers at the test's will. */
import type { IncomingHttpHeaders, ServerResponse } from 'node:http';
import { answering } from '../../../runtime/testing/loopback.ts';

export interface Received {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface Receiver {
  readonly url: string;
  readonly received: readonly Received[];
  /** How the following requests are answered: 200 without it. */
  answer(respond: (response: ServerResponse) => void): void;
}

export async function startReceiver(): Promise<Receiver> {
  const received: Received[] = [];
  let respond = (response: ServerResponse): void => void response.end('ok');
  const url = await answering((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (text: string) => {
      body += text;
    });
    request.on('end', () => {
      const { method = '', url: path = '', headers } = request;
      received.push({ method, path, headers, body });
      respond(response);
    });
  });
  return {
    url,
    received,
    answer(next) {
      respond = next;
    },
  };
}
