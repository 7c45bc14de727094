/**
 * The session of a member of the group, kept by the test: the group hears of it while its process is
 * away. However long a busy machine takes to start that again, it is back within its session.
 */
import { readFileSync } from 'node:fs';
import type { describeGroupsV5 } from '@platformatic/kafka';
import { collectorFolder } from '../../../collector/store/database.ts';
import { memberFile } from '../../../collector/cluster/member.ts';
import { pause } from '../../../runtime/lifecycle.ts';
import { KafkaClient } from '../../../wire/transport/kafka/client.ts';
import { findCoordinator } from '../../../wire/transport/kafka/coordinator.ts';
import { hasReason } from '../../../wire/transport/kafka/errors.ts';
import { eventually } from '../../support/http.ts';

const group = 'windrow';
const beatEveryMs = 1_000;
/** Shares that a group of a test has made by now are fewer. */
const generationMax = 100;

type Beat = (generation: number) => Promise<unknown>;

/** How a member that was heard ends: another process has its name, or it has left. */
export type SessionEnd = 'replaced' | 'left';

export interface KeptSession extends AsyncDisposable {
  /** Waits until the group hears no more of it. */
  ended(): Promise<SessionEnd>;
}

/** @param dataDir of a collector that is a member by now */
export async function keepSession(
  brokers: readonly string[],
  dataDir: string,
): Promise<KeptSession> {
  const settings = { brokers, clientId: 'test', tls: undefined, sasl: undefined };
  const client = await KafkaClient.open(settings, { requestMsMax: 30_000 });
  const name = readFileSync(memberFile(collectorFolder(dataDir)), 'utf8').trim();
  const node = await findCoordinator(client, group);
  const id = await memberIdOf(client, node, name);
  const beat: Beat = (generation) => client.call('Heartbeat', node, group, generation, id, name);
  const generation = await generationOf(beat);
  const disposed = new AbortController();
  const keeping = endOf(() => beat(generation), disposed.signal);
  keeping.catch(() => {});
  return {
    ended: () => keeping,
    async [Symbol.asyncDispose]() {
      disposed.abort();
      await keeping.catch(() => {});
      await client.close();
    },
  };
}

async function memberIdOf(client: KafkaClient, node: number, name: string): Promise<string> {
  const withRights = false;
  const { groups } = await client.call<describeGroupsV5.DescribeGroupsResponse>(
    'DescribeGroups',
    node,
    [group],
    withRights,
  );
  const members = groups.flatMap(({ members }) => members);
  const found = members.find(({ groupInstanceId }) => groupInstanceId === name);
  if (found === undefined) throw new Error(`group ${group} has no member ${name}`);
  return found.memberId;
}

/** Nobody tells which one it is, but the broker takes heartbeats of that one alone. */
function generationOf(beat: Beat): Promise<number> {
  return eventually(async () => {
    for (let generation = 1; generation <= generationMax; generation += 1) {
      try {
        await beat(generation);
        return generation;
      } catch (error) {
        if (!hasReason(error, 'ILLEGAL_GENERATION')) throw error;
      }
    }
    throw new Error('the broker takes heartbeats of no generation');
  });
}

/** @throws when the broker says something else */
async function endOf(beat: () => Promise<unknown>, disposed: AbortSignal): Promise<SessionEnd> {
  while (!disposed.aborted) {
    try {
      await beat();
    } catch (error) {
      if (hasReason(error, 'FENCED_INSTANCE_ID')) return 'replaced';
      if (hasReason(error, 'UNKNOWN_MEMBER_ID')) return 'left';
      if (!hasReason(error, 'REBALANCE_IN_PROGRESS')) throw error;
    }
    await pause(beatEveryMs, disposed);
  }
  throw new Error('the test has ended before the session');
}
