import { describe, expect, it } from 'vitest';
import type { AlertsView } from '../../collector/api/contract.ts';
import { rulesFile, SHORT_WINDOWS } from '../support/alerting.ts';
import { eventually, getJson, metric } from '../support/http.ts';
import { startAgent, startCollector, tempDir } from '../support/programs.ts';
import { kafkaMissing, startCluster } from './support/kafka.ts';

/** Of the rule; brokers are away for longer. */
const silentMs = 20_000;
const awayMs = 45_000;

describe.skipIf(kafkaMissing)('a collector whose brokers go away', () => {
  it('is not ready and calls nobody silent, then reads on by itself', async () => {
    await using cluster = await startCluster();
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
    const args = [...kafka, '--server-id', 'pc-1', '--interval', '1s', '--data', agentData.path];
    await using _ = await startAgent({ to: url, args });
    await eventually(async () => expect(await received()).toBeGreaterThan(3), 60_000);
    expect(await isReady()).toBe(true);

    const [broker] = cluster.nodes;
    await broker?.stop();
    await eventually(async () => expect(await isReady()).toBe(false), 30_000);
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
    const { rules: inForce, active, past } = await getJson<AlertsView>(`${url}/api/alerts`);
    expect(inForce.map(({ name }) => name)).toEqual(['quiet']);
    expect([active, past]).toEqual([[], []]);
  }, 300_000);
});
