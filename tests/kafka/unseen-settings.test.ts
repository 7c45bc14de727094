/** A collector whose user may do all that it needs, and not see the settings of topics. */
import {
  type AclEntry,
  AclOperationTypes,
  AclPermissionTypes,
  AclResourceTypes,
  ResourcePatternTypes,
} from 'kafkajs';
import { describe, expect, it } from 'vitest';
import { eventually } from '../support/http.ts';
import { run, startCollector } from '../support/programs.ts';
import { grant } from './support/acls.ts';
import { kafkaMissing, startCluster } from './support/kafka.ts';
import { untilReady } from './support/ready.ts';
import { aclSettings, saslOptions, type User } from './support/security.ts';

const toldMsMax = 60_000;
const carol: User = { name: 'carol', password: 'carol-secret' };

describe.skipIf(kafkaMissing)('without the right DescribeConfigs', () => {
  it('a collector works, and says once that nobody looks at settings of topics; doctor says so too', async () => {
    await using cluster = await startCluster({
      ...saslOptions([carol]),
      settings: { ...aclSettings, 'auto.create.topics.enable': false },
    });
    const { READ, WRITE, CREATE } = AclOperationTypes;
    const { TOPIC, GROUP } = AclResourceTypes;
    const may = (operation: AclOperationTypes, resourceType: AclResourceTypes): AclEntry => ({
      operation,
      resourceType,
      resourceName: '*',
      resourcePatternType: ResourcePatternTypes.LITERAL,
      principal: `User:${carol.name}`,
      host: '*',
      permissionType: AclPermissionTypes.ALLOW,
    });
    const acl = [may(READ, TOPIC), may(WRITE, TOPIC), may(CREATE, TOPIC), may(READ, GROUP)];
    await grant(`127.0.0.1:${cluster.nodes[0]?.ports.internal}`, acl);
    const env = {
      WINDROW_TRANSPORT: 'kafka',
      WINDROW_BROKERS: cluster.brokers.join(','),
      WINDROW_KAFKA_SASL_MECHANISM: 'PLAIN',
      WINDROW_KAFKA_SASL_USERNAME: carol.name,
      WINDROW_KAFKA_SASL_PASSWORD: carol.password,
    };
    await using collector = await startCollector({ env });
    await untilReady(collector);
    const told = await eventually(async () => {
      const lines = collector.log().split('\n');
      const found = lines.filter((line) => line.includes('settings of '));
      expect(found).toHaveLength(1);
      return found;
    }, toldMsMax);
    expect(told[0]).toMatch(/"level":30,.*settings of windrow-samples, .+, alerts cannot be seen/);
    expect(told[0]).toContain('DescribeConfigs');
    const { code, stdout } = await run('collector', ['doctor'], { env });
    expect(stdout).toMatch(
      /OK {4}topics {4}9 there, settings of 9 may not be seen \(DescribeConfigs\)/,
    );
    expect(code).toBe(0);
  }, 300_000);
});
