/** Collectors of one group that come, go and are killed under running agents. */
import { describe, expect, it } from 'vitest';
import { eventually, metric } from '../support/http.ts';
import { tempDir } from '../support/programs.ts';
import { Fleet, slots, start } from './support/fleet.ts';
import { recoverMsMax } from './support/fleet-run.ts';
import { kafkaMissing, startCluster } from './support/kafka.ts';
import { startProxied } from './support/proxy.ts';

describe.skipIf(kafkaMissing)('collectors that share a fleet', () => {
  it(
    'restarted in turn, joined, left and killed: windows and alerts are those of an undisturbed run',
    async () => {
      await using cleanUp = new AsyncDisposableStack();
      const folder = cleanUp.use(tempDir());
      const { brokers } = cleanUp.use(await startCluster());
      const fleet = await Fleet.open({ brokers, folder: folder.path }, cleanUp);
      const [first, second] = [await fleet.join(), await fleet.join()];
      await fleet.isShared();
      await fleet.run('pc', async (run) => {
        for (const collector of [first, second]) {
          await collector.stop();
          await fleet.isShared();
          await start(collector);
          await fleet.isShared();
        }
        const third = await fleet.join();
        await fleet.isShared();
        await run.goesOn();
        await third.stop();
        await fleet.isShared();
        await run.kill(first);
        await fleet.isShared();
        await run.goesOn();
        await start(first);
        await fleet.isShared();
      });
    },
    6 * recoverMsMax,
  );

  it(
    'cut off from the brokers until others have its share, and back: the same',
    async () => {
      await using cleanUp = new AsyncDisposableStack();
      const folder = cleanUp.use(tempDir());
      const { cluster, proxies } = cleanUp.use(await startProxied({ nodes: 1 }));
      // Behind the proxy, which is before the listener for clients alone.
      const brokers = cluster.nodes.map(({ ports }) => `127.0.0.1:${ports.internal}`);
      const fleet = await Fleet.open({ brokers, folder: folder.path }, cleanUp);
      const other = await fleet.join();
      await fleet.join(cluster.brokers);
      await fleet.isShared();
      await fleet.run('pc', async (run) => {
        for (const proxy of proxies) proxy.stall();
        await eventually(async () => {
          expect(await metric(other.url ?? '', 'windrow_log_slots')).toBe(slots);
        }, recoverMsMax);
        await run.mayTellAgain();
        await run.goesOn();
        for (const proxy of proxies) proxy.heal();
        await fleet.isShared();
        await run.goesOn();
      });
    },
    6 * recoverMsMax,
  );
});
