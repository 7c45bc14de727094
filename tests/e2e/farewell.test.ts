/** An agent that is stopped, through a network that loses what it says last. */
import { expect, it } from 'vitest';
import { startGateway } from '../support/gateway.ts';
import { eventually, getJson, metric } from '../support/http.ts';
import { startAgent, startCollector, tempDir } from '../support/programs.ts';

it.each([1, 2])('a goodbye that is refused at first (%i times) is said again', async (refusals) => {
  using data = tempDir();
  await using collector = await startCollector();
  await using gateway = await startGateway(collector.url);
  await using agent = await startAgent({ to: gateway.url, args: ['--data', data.path] });
  await eventually(async () => {
    expect(await metric(collector.url, 'windrow_samples_received_total')).toBeGreaterThan(2);
  });
  gateway.refuse(refusals);
  await agent.stop();
  const { servers } = await getJson<{ servers: { state: string }[] }>(`${collector.url}/api/fleet`);
  expect(servers.map(({ state }) => state)).toEqual(['off']);
});
