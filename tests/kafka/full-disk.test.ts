/** A collector that cannot store while its connection to the brokers is well: others take its servers over. */
import { DatabaseSync } from 'node:sqlite';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { AlertsView, FleetView } from '../../collector/api/contract.ts';
import { rulesFile, SHORT_WINDOWS } from '../support/alerting.ts';
import { eventually, getJson, metric } from '../support/http.ts';
import { type RunningCollector, startAgent, startCollector, tempDir } from '../support/programs.ts';
import { kafkaMissing, startCluster } from './support/kafka.ts';
import { untilReady } from './support/ready.ts';

const servers = ['pc-0', 'pc-1', 'pc-2', 'pc-3'];
const slots = 6;
/** Half a minute until it gives up its share, and everything comes through brokers, to programs on a busy machine. */
const waitMsMax = 90_000;

const slotsOf = ({ url }: RunningCollector): Promise<number> => metric(url, 'windrow_log_slots');

async function serversOf({ url }: RunningCollector): Promise<FleetView['servers']> {
  return (await getJson<FleetView>(`${url}/api/fleet`)).servers;
}

async function ownOf(collector: RunningCollector): Promise<string[]> {
  const all = await serversOf(collector);
  return all.filter(({ owner }) => owner === null).map(({ server_id: id }) => id);
}

describe.skipIf(kafkaMissing)('a collector that cannot store', () => {
  it(
    'gives its share to another and gets it back, and nobody thinks that servers are missing',
    async () => {
      await using cluster = await startCluster();
      const kafka = ['--kafka', cluster.brokers.join(',')];
      const rules = rulesFile(`
rules:
  - { name: missing, about: Servers are missing., of: fleet, when: 'servers < ${servers.length}', severity: critical }
`);
      const start = async (): Promise<RunningCollector & { readonly dataDir: string }> => {
        const { path: dataDir, [Symbol.dispose]: remove } = tempDir();
        // Long enough for an agent that waits for a core to have a sample in each.
        const env = { ...SHORT_WINDOWS, WINDROW_WINDOWS_LENGTH: '10s', WINDROW_ALERTS: rules };
        const collector = await startCollector({ dataDir, args: kafka, env });
        onTestFinished(async () => {
          await collector.kill();
          remove();
        });
        return collector;
      };
      const [one, two] = [await start(), await start()];
      for (const collector of [one, two]) await untilReady(collector);
      for (const id of servers) {
        const agent = await startAgent({
          to: 'http://127.0.0.1:9',
          args: [...kafka, '--server-id', id],
        });
        onTestFinished(() => agent[Symbol.asyncDispose]());
      }
      await eventually(async () => {
        const [mine, theirs] = [await ownOf(one), await ownOf(two)];
        expect([...mine, ...theirs].sort()).toEqual(servers);
        expect(mine.length * theirs.length).toBeGreaterThan(0);
        for (const collector of [one, two]) {
          expect((await serversOf(collector)).length).toBe(servers.length);
        }
      }, waitMsMax);
      /** Alerts that began since then. */
      const alertsSince = async (sinceMs: number): Promise<unknown[]> => {
        const views = [one, two].map(({ url }) => getJson<AlertsView>(`${url}/api/alerts`));
        const all = (await Promise.all(views)).flatMap(({ active }) => active);
        return all.filter(({ starts_at: startsMs }) => startsMs > sinceMs);
      };
      // While they came some were missing.
      await eventually(async () => expect(await alertsSince(0)).toEqual([]), waitMsMax);

      const other = new DatabaseSync(join(two.dataDir, 'collector', 'windrow.db'), {
        timeout: 5_000,
      });
      onTestFinished(() => {
        if (other.isOpen) other.close();
      });
      other.exec('BEGIN IMMEDIATE');
      const lockedMs = Date.now();
      const alerts: unknown[] = [];
      await eventually(async () => {
        alerts.push(...(await alertsSince(lockedMs)));
        expect([await slotsOf(one), await slotsOf(two)]).toEqual([slots, 0]);
        expect((await ownOf(one)).sort()).toEqual(servers);
      }, waitMsMax);
      expect(await (await fetch(`${two.url}/readyz`)).text()).toMatch(/database is locked/);
      expect(two.log()).toMatch(/nothing could be stored for 30 s/);
      other.exec('ROLLBACK');
      await eventually(async () => {
        alerts.push(...(await alertsSince(lockedMs)));
        expect([await slotsOf(one), await slotsOf(two)]).toEqual([slots / 2, slots / 2]);
        expect((await ownOf(two)).length).toBeGreaterThan(0);
      }, waitMsMax);
      await untilReady(two);
      expect(alerts).toEqual([]);
    },
    5 * waitMsMax,
  );
});
