/** Stands between agents and the collector, as a load balancer does. */
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { gunzipSync } from 'node:zlib';

export interface Gateway extends AsyncDisposable {
  readonly url: string;
  /** Answers the next requests itself: 503. */
  refuse(count: number): void;
  /** How old the oldest sample of each batch was when its answer came, ms. */
  readonly agesMs: number[];
}

export async function startGateway(to: string): Promise<Gateway> {
  let refusals = 0;
  const agesMs: number[] = [];
  const pass = async (incoming: http.IncomingMessage, answer: http.ServerResponse) => {
    const body = await buffer(incoming);
    if (refusals > 0) {
      refusals -= 1;
      answer.writeHead(503).end();
      return;
    }
    const { method, url: path = '/', headers } = incoming;
    const onward = http.request(new URL(path, to), { method, headers }, (response) => {
      response.on('end', () => agesMs.push(...ageOf(body)));
      answer.writeHead(response.statusCode ?? 502, response.headers);
      response.pipe(answer);
    });
    onward.on('error', () => answer.destroy());
    onward.end(body);
  };
  const server = http.createServer((incoming, answer) => {
    pass(incoming, answer).catch(() => answer.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    agesMs,
    refuse(count) {
      refusals = count;
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Of the oldest sample of a batch; none where it holds no sample. */
function ageOf(batch: Buffer): number[] {
  const times = gunzipSync(batch)
    .toString()
    .matchAll(/"ts":(\d+)/g)
    .map(([, ts]) => Date.now() - Number(ts))
    .toArray();
  return times.length === 0 ? [] : [Math.max(...times)];
}
