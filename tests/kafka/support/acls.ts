/** Rights that brokers give who asks: each a user's on a topic, on groups or on the cluster. */
import {
  type AclEntry,
  AclOperationTypes,
  AclPermissionTypes,
  AclResourceTypes,
  ResourcePatternTypes,
} from 'kafkajs';
import { expect } from 'vitest';
import { eventually } from '../../support/http.ts';
import { kafkaJs, withAdmin } from './kafka.ts';
import type { User } from './security.ts';

const heedMsMax = 60_000;

export const anyTopic = { resourceType: AclResourceTypes.TOPIC, resourceName: '*' };
export const theCluster = {
  resourceType: AclResourceTypes.CLUSTER,
  resourceName: 'kafka-cluster',
};
export const anyGroup = { resourceType: AclResourceTypes.GROUP, resourceName: '*' };

export function allow(user: User, on: Pick<AclEntry, 'resourceType' | 'resourceName'>): AclEntry {
  return {
    ...on,
    resourcePatternType: ResourcePatternTypes.LITERAL,
    principal: `User:${user.name}`,
    host: '*',
    operation: AclOperationTypes.ALL,
    permissionType: AclPermissionTypes.ALLOW,
  };
}

/** Until the broker heeds them, which it does some time after it has taken them. @param broker where one may do everything */
export async function grant(broker: string, acl: AclEntry[]): Promise<void> {
  await withAdmin(kafkaJs([broker]), async (admin) => {
    await admin.createAcls({ acl });
    await eventually(async () => {
      const heeded = await Promise.all(acl.map((each) => admin.describeAcls(each)));
      expect(heeded.every(({ resources }) => resources.length > 0)).toBe(true);
    }, heedMsMax);
  });
}
