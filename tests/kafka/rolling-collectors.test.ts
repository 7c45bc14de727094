/** Collectors of one group that come, go and are killed under running agents. */
import { describe, it } from 'vitest';
import { tempDir } from '../support/programs.ts';
import { Fleet, start } from './support/fleet.ts';
import { recoverMsMax } from './support/fleet-run.ts';
import { kafkaMissing, startCluster } from './support/kafka.ts';

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
    4 * recoverMsMax,
  );
});
