/** Agents and two collectors on three brokers that fail, one fault after the other. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SAMPLES_TOPIC } from '../../wire/records/record.ts';
import { eventually } from '../support/http.ts';
import { tempDir } from '../support/programs.ts';
import { coordinatorOf } from './support/coordinator.ts';
import { Fleet } from './support/fleet.ts';
import { recoverMsMax } from './support/fleet-run.ts';
import { kafkaJs, kafkaMissing, withAdmin } from './support/kafka.ts';
import { type ProxiedCluster, startProxied } from './support/proxy.ts';

/** Of a run that waits for each part of it. */
const faultMsMax = 6 * recoverMsMax;
/** Added in each direction: a request takes twice as long, less than anybody's patience. */
const slowMs = 1_000;

describe.skipIf(kafkaMissing)('agents and two collectors on three brokers', () => {
  const cleanUp = new AsyncDisposableStack();
  let net: ProxiedCluster;
  let fleet: Fleet;

  beforeAll(async () => {
    const folder = cleanUp.use(tempDir());
    net = cleanUp.use(await startProxied({ nodes: 3 }));
    // They are told of one; of the others they know from it.
    const brokers = net.cluster.brokers.slice(0, 1);
    fleet = await Fleet.open({ brokers, folder: folder.path }, cleanUp);
    await fleet.join();
    await fleet.join();
    await fleet.isShared();
  }, faultMsMax);
  afterAll(() => cleanUp.disposeAsync());

  it(
    'one is slow, then silent: what the others lead goes on, and what it leads comes later',
    () =>
      fleet.run('slow', async (run) => {
        const { brokers } = net.cluster;
        const coordinator = await coordinatorOf('windrow', brokers);
        const leaders = await leadersOf(brokers);
        const slow = leaders.find((id) => id !== coordinator) ?? 0;
        const others = run.agents.filter((_, slot) => leaders[slot] !== slow);
        expect(others.length).toBeGreaterThan(0);
        const proxy = net.proxies[slow - 1];
        proxy?.delay(slowMs);
        await run.goesOn();
        proxy?.stall();
        await run.goesOn(others);
        proxy?.heal();
      }),
    faultMsMax,
  );

  it(
    'the coordinator of the collectors’ group is killed: another one takes its place, nothing is lost',
    () =>
      fleet.run('coordinator', async (run) => {
        const node = net.cluster.nodes[(await coordinatorOf('windrow', net.cluster.brokers)) - 1];
        await node?.kill();
        await run.goesOn();
        await node?.start(AbortSignal.timeout(recoverMsMax));
      }),
    faultMsMax,
  );

  it(
    'all are restarted, one after the other: agents and collectors go on meanwhile',
    () =>
      fleet.run('rolling', async (run) => {
        for (const node of net.cluster.nodes) {
          await node.stop();
          await run.goesOn();
          await node.start(AbortSignal.timeout(recoverMsMax));
          await isInSync(net.cluster.brokers);
        }
      }),
    faultMsMax,
  );
});

async function partitionsOf(brokers: readonly string[]) {
  const { topics } = await withAdmin(kafkaJs(brokers), (admin) =>
    admin.fetchTopicMetadata({ topics: [SAMPLES_TOPIC] }),
  );
  const partitions = topics[0]?.partitions ?? [];
  return partitions.toSorted((a, b) => a.partitionId - b.partitionId);
}

/** Ids of brokers, by slot. */
async function leadersOf(brokers: readonly string[]): Promise<number[]> {
  return (await partitionsOf(brokers)).map(({ leader }) => leader);
}

/** Waits until every replica has all: another broker may go. */
async function isInSync(brokers: readonly string[]): Promise<void> {
  await eventually(async () => {
    for (const { isr } of await partitionsOf(brokers)) expect(isr).toHaveLength(brokers.length);
  }, recoverMsMax);
}
