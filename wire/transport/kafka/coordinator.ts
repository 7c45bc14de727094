/** The broker that has a group. */
import type { describeGroupsV5, findCoordinatorV6 } from '@platformatic/kafka';
import type { GroupOptions } from '../log/port.ts';
import type { KafkaClient } from './client.ts';
import { amiss } from './words.ts';

const coordinatorOfGroups = 0;

/** @returns its node @throws errors of the library */
export async function findCoordinator(client: KafkaClient, group: string): Promise<number> {
  const { coordinators } = await client.call<findCoordinatorV6.FindCoordinatorResponse>(
    'FindCoordinator',
    'any',
    coordinatorOfGroups,
    [group],
  );
  const [found] = coordinators;
  if (found === undefined) throw amiss.noCoordinator(group);
  // Its address must be known, too.
  await client.metadata([]);
  return found.nodeId;
}

/** Whether a member of that name is in the group, be it dead since less than a session. */
export async function isMember(
  client: KafkaClient,
  { group, member }: Pick<GroupOptions, 'group' | 'member'>,
): Promise<boolean> {
  const withRights = false;
  const { groups } = await client.call<describeGroupsV5.DescribeGroupsResponse>(
    'DescribeGroups',
    await findCoordinator(client, group),
    [group],
    withRights,
  );
  return groups.some(({ members }) =>
    members.some(({ groupInstanceId }) => groupInstanceId === member),
  );
}
