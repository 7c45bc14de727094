/** An agent that is stopped, through a network that loses what it says last. */
import { request } from 'node:http';
import { expect, it } from 'vitest';
import { answering } from '../../runtime/testing/loopback.ts';
import { eventually, getJson, metric } from '../support/http.ts';
import { startAgent, startCollector, tempDir } from '../support/programs.ts';

interface Gateway {
  readonly url: string;
  /** Answers the next requests itself: 503. */
  refuse(count: number): void;
}

/** Stands between agents and the collector, as a load balancer does. */
async function startGateway(to: string): Promise<Gateway> {
  let refusals = 0;
  const url = await answering((incoming, answer) => {
    if (refusals > 0) {
      refusals -= 1;
      incoming.resume();
      answer.writeHead(503).end();
      return;
    }
    const { method, url: path = '/', headers } = incoming;
    const onward = request(new URL(path, to), { method, headers }, (response) => {
      answer.writeHead(response.statusCode ?? 502, response.headers);
      response.pipe(answer);
    });
    onward.on('error', () => answer.destroy());
    incoming.pipe(onward);
  });
  return {
    url,
    refuse(count) {
      refusals = count;
    },
  };
}

it.each([1, 2])('a goodbye that is refused at first (%i times) is said again', async (refusals) => {
  using data = tempDir();
  await using collector = await startCollector();
  const gateway = await startGateway(collector.url);
  const agent = await startAgent({ to: gateway.url, args: ['--data', data.path] });
  await eventually(async () => {
    expect(await metric(collector.url, 'windrow_samples_received_total')).toBeGreaterThan(2);
  });
  gateway.refuse(refusals);
  await agent.stop();
  const { servers } = await getJson<{ servers: { state: string }[] }>(`${collector.url}/api/fleet`);
  expect(servers.map(({ state }) => state)).toEqual(['off']);
});
