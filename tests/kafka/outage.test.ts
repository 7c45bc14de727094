import { describe, expect, it } from 'vitest';
import type { AlertsView, IntakeView } from '../../collector/api/contract.ts';
import { rulesFile, SHORT_WINDOWS } from '../support/alerting.ts';
import { eventually, getJson, metric } from '../support/http.ts';
import { startAgent, startCollector, tempDir } from '../support/programs.ts';
import { kafkaMissing } from './support/kafka.ts';
import { startProxied } from './support/proxy.ts';

/** Of the rule; brokers are away for longer. */
const silentMs = 10_000;
const awayMs = 25_000;

describe.skipIf(kafkaMissing)('a collector whose brokers come late and go away', () => {
  it('is not ready, says so once and calls nobody silent, then reads on by itself', async () => {
    await using net = await startProxied({ nodes: 1 });
    const { cluster, proxies } = net;
    for (const proxy of proxies) proxy.cut();
    using data = tempDir();
    using agentData = tempDir();
    const rules = rulesFile(`
rules:
  - { name: quiet, about: Not heard., silent: ${silentMs / 1_000}s, severity: warning }
`);
    const kafka = ['--kafka', cluster.brokers.join(',')];
    const env = { ...SHORT_WINDOWS, WINDROW_ALERTS: rules };
    await using collector = await startCollector({ dataDir: data.path, args: kafka, env });
    const { url } = collector;
    const isReady = async (): Promise<boolean> => (await fetch(`${url}/readyz`)).ok;
    const received = () => metric(url, 'windrow_samples_received_total');
    const complaints = (): number => collector.log().split('nothing is taken in').length - 1;
    await eventually(async () => expect(complaints()).toBe(1));
    expect(await isReady()).toBe(false);
    const deafness = async () => (await getJson<IntakeView>(`${url}/api/intake`)).deaf.at(-1);
    await eventually(async () => {
      expect(await deafness()).toMatchObject({ through_ms: null, why: expect.any(String) });
    });
    for (const proxy of proxies) proxy.heal();
    await eventually(async () => expect(await isReady()).toBe(true), 60_000);
    expect(complaints()).toBe(1);

    const args = [...kafka, '--server-id', 'pc-1', '--interval', '1s', '--data', agentData.path];
    await using _ = await startAgent({ to: url, args });
    await eventually(async () => expect(await received()).toBeGreaterThan(3), 60_000);

    const [broker] = cluster.nodes;
    await eventually(async () =>
      expect((await deafness())?.through_ms).toEqual(expect.any(Number)),
    );
    const stoppedMs = Date.now();
    await broker?.stop();
    await eventually(async () => expect(await isReady()).toBe(false), 30_000);
    await eventually(async () => {
      expect(await deafness()).toMatchObject({ through_ms: null, why: expect.any(String) });
    });
    expect((await deafness())?.since_ms).toBeGreaterThanOrEqual(stoppedMs);
    const untilMs = performance.now() + awayMs;
    // Nobody tells that the rule's time has passed without a word: it has to pass.
    await eventually(async () => expect(performance.now()).toBeGreaterThan(untilMs), 2 * awayMs);
    expect(await isReady()).toBe(false);
    const before = await received();
    await broker?.start(AbortSignal.timeout(60_000));
    await eventually(async () => {
      expect(await isReady()).toBe(true);
      expect(await received()).toBeGreaterThan(before + awayMs / 1_000);
    }, 90_000);
    await eventually(async () => {
      const deaf = await deafness();
      expect(deaf?.why).toBeNull();
      expect((deaf?.through_ms ?? 0) - stoppedMs).toBeGreaterThan(awayMs);
    });
    const { rules: inForce, active, past } = await getJson<AlertsView>(`${url}/api/alerts`);
    expect(inForce.map(({ name }) => name)).toEqual(['quiet']);
    expect([active, past]).toEqual([[], []]);
  }, 300_000);
});
