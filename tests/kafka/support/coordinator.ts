import type { findCoordinatorV6 } from '@platformatic/kafka';
import { KafkaClient } from '../../../wire/transport/kafka/client.ts';

/** @returns the id of the broker that keeps the group */
export async function coordinatorOf(group: string, brokers: readonly string[]): Promise<number> {
  const settings = { brokers, clientId: 'test', tls: undefined, sasl: undefined };
  const client = await KafkaClient.open(settings, { requestMsMax: 10_000 });
  try {
    const ofGroups = 0;
    const { coordinators } = await client.call<findCoordinatorV6.FindCoordinatorResponse>(
      'FindCoordinator',
      'any',
      ofGroups,
      [group],
    );
    return coordinators[0]?.nodeId ?? -1;
  } finally {
    await client.close();
  }
}
