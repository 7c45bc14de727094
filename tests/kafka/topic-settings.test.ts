/** Topics that others have made, and topics that windrow makes as a person has set it. */
import { ConfigResourceTypes, type ITopicConfig } from 'kafkajs';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { KafkaCluster } from '../../scripts/kafka/cluster.ts';
import { eventually, metric } from '../support/http.ts';
import { run, startAgent, startCollector, type TempDir, tempDir } from '../support/programs.ts';
import { kafkaJs, kafkaMissing, startCluster, withAdmin } from './support/kafka.ts';
import { untilReady } from './support/ready.ts';

const nowhere = 'http://127.0.0.1:9';
const readyMsMax = 60_000;
const testMsMax = 6 * readyMsMax;

describe.skipIf(kafkaMissing)('topics on three brokers', { timeout: testMsMax }, () => {
  let cluster: KafkaCluster;
  let data: TempDir;

  beforeAll(async () => {
    data = tempDir();
    cluster = await startCluster({
      nodes: 3,
      settings: { 'auto.create.topics.enable': false },
    });
  });
  afterAll(async () => {
    await cluster[Symbol.asyncDispose]();
    data[Symbol.dispose]();
  });

  /** For one test. */
  async function make(...topics: ITopicConfig[]): Promise<void> {
    onTestFinished(() => removeAll());
    // Brokers hear of them one after the other, so whoever looks at them looks again.
    await withAdmin(kafkaJs(cluster.brokers), (admin) =>
      admin.createTopics({ topics, waitForLeaders: false }),
    );
  }

  async function removeAll(): Promise<void> {
    await withAdmin(kafkaJs(cluster.brokers), async (admin) => {
      await admin.deleteTopics({ topics: await ours(admin) });
      await eventually(async () => expect(await ours(admin)).toEqual([]), readyMsMax);
    });
  }

  async function doctor(program: 'agent' | 'collector', env: Record<string, string> = {}) {
    const args = ['doctor', '--kafka', cluster.brokers.join(','), '--data', data.path];
    const { code, stdout } = await run(program, args, { env });
    const lines = stdout.split('\n');
    const at = lines.findIndex((line) => /^\w+ +topics /.test(line));
    const behind = lines.slice(at + 1);
    const end = behind.findIndex((line) => !line.includes('→'));
    const advice = behind.slice(0, end).map((line) => line.replace(/^ +→ /, ''));
    return { code, line: lines[at] ?? '', advice };
  }

  it('doctor: of each setting that is wrong it says what it is and what mends it, and nothing once that is done', async () => {
    const replicationFactor = 3;
    const samples = { topic: 'windrow-samples', numPartitions: 6, replicationFactor };
    const small = { name: 'max.message.bytes', value: '200000' };
    const bold = { name: 'min.insync.replicas', value: '1' };
    await make(
      { ...samples, configEntries: [small, bold] },
      {
        topic: 'windrow-inventory',
        numPartitions: 6,
        replicationFactor: 1,
        configEntries: [{ name: 'min.insync.replicas', value: '2' }],
      },
    );
    const found = await eventually(async () => {
      const told = await doctor('agent');
      expect(told.line).toMatch(/^WARN {2}topics {4}2 there, to be mended:$/);
      expect(told.advice).toHaveLength(4);
      return told;
    }, readyMsMax);
    expect(found.advice).toEqual([
      "windrow-samples: min.insync.replicas is 1, so one broker's loss may lose records; kafka-configs.sh --alter --topic windrow-samples --add-config min.insync.replicas=2",
      'windrow-samples: max.message.bytes is 200000, a record may have 262144; kafka-configs.sh --alter --topic windrow-samples --add-config max.message.bytes=1048588',
      'windrow-inventory: replication is 1, not 3 (kafka.replication); kafka-reassign-partitions.sh gives it more, or delete it while it is empty: it is made anew',
      'windrow-inventory: min.insync.replicas is 2 of 1 replica, so nothing can be written; kafka-configs.sh --alter --topic windrow-inventory --add-config min.insync.replicas=1',
    ]);
    // A warning: with one broker away the rest may go on.
    expect(found.code).toBe(0);
    // What a person has set is what is wanted.
    const asSet = await doctor('agent', { WINDROW_KAFKA_REPLICATION: '1' });
    expect(asSet.advice.join('\n')).not.toContain('kafka.replication');

    await withAdmin(kafkaJs(cluster.brokers), async (admin) => {
      const type = ConfigResourceTypes.TOPIC;
      const advised = [
        { name: 'max.message.bytes', value: '1048588' },
        { name: 'min.insync.replicas', value: '2' },
      ];
      const one = [{ name: 'min.insync.replicas', value: '1' }];
      await admin.alterConfigs({
        validateOnly: false,
        resources: [
          { type, name: 'windrow-samples', configEntries: advised },
          { type, name: 'windrow-inventory', configEntries: one },
        ],
      });
    });
    await eventually(async () => {
      const mended = await doctor('agent', { WINDROW_KAFKA_REPLICATION: '1' });
      expect(mended).toEqual({ code: 0, line: 'OK    topics    2 there', advice: [] });
    }, readyMsMax);
  });

  it('doctor: topics that one collector must have together and have unequal partitions, and those that take no alert', async () => {
    const replicationFactor = 3;
    const configEntries = [{ name: 'min.insync.replicas', value: '2' }];
    const small = { name: 'max.message.bytes', value: '300000' };
    await make(
      { topic: 'topic-cpu', numPartitions: 2, replicationFactor, configEntries },
      { topic: 'topic-mem', numPartitions: 4, replicationFactor, configEntries },
      {
        topic: 'alerts',
        numPartitions: 1,
        replicationFactor,
        configEntries: [...configEntries, small],
      },
    );
    const found = await eventually(async () => {
      const told = await doctor('collector', { WINDROW_KAFKA_PARTITIONS: '4' });
      expect(told.line).toMatch(/^WARN {2}topics {4}3 there, .+ will be made, /);
      return told;
    }, readyMsMax);
    expect(found.line).toContain('have: topic-cpu 2 and alerts 1, to be mended:');
    expect(found.advice).toEqual([
      'alerts: max.message.bytes is 300000, a record may have 524288; kafka-configs.sh --alter --topic alerts --add-config max.message.bytes=1048588',
      'alerts: cleanup.policy is delete, so what gets old is lost; kafka-configs.sh --alter --topic alerts --add-config cleanup.policy=compact,delete.retention.ms=7776000000',
      'topic-cpu: it has 2 partitions, other topics 4, and partition i of all goes to one collector; kafka-topics.sh --alter --topic topic-cpu --partitions 4, best while one collector runs',
    ]);
    await withAdmin(kafkaJs(cluster.brokers), (admin) =>
      admin.createPartitions({ topicPartitions: [{ topic: 'topic-cpu', count: 4 }] }),
    );
    await eventually(async () => {
      const { advice } = await doctor('collector');
      expect(advice.join('\n')).not.toContain('partition');
    }, readyMsMax);
  });

  it('topics that lose records, for others made them: doctor and a collector that starts tell each, and nothing once it is mended', async () => {
    const replicationFactor = 3;
    const safe = { name: 'min.insync.replicas', value: '2' };
    const compact = { name: 'cleanup.policy', value: 'compact' };
    const made = (topic: string, ...more: { name: string; value: string }[]) => {
      return { topic, numPartitions: 6, replicationFactor, configEntries: [safe, ...more] };
    };
    await make(made('windrow-samples', compact), made('window-results', compact), made('alerts'));
    const wrong = [
      ['windrow-samples', 'cleanup.policy is compact, so of each key all but the newest record'],
      ['window-results', 'min.compaction.lag.ms is 0, so who was away does not get all'],
      ['alerts', 'cleanup.policy is delete, so what gets old is lost'],
    ] as const;
    const mends = [
      'windrow-samples --add-config cleanup.policy=delete',
      'window-results --add-config cleanup.policy=compact,min.compaction.lag.ms=259200000',
      'alerts --add-config cleanup.policy=compact',
    ];
    await eventually(async () => {
      const { code, line, advice } = await doctor('collector');
      expect(line).toMatch(/^WARN {2}topics {4}3 there, .+ will be made, to be mended:$/);
      expect(advice).toHaveLength(wrong.length);
      for (const [i, [topic, what]] of wrong.entries()) {
        expect(advice[i]).toContain(`${topic}: ${what}`);
        expect(advice[i]).toContain(`; kafka-configs.sh --alter --topic ${mends[i]}`);
      }
      expect(code).toBe(0);
    }, readyMsMax);

    const args = ['--kafka', cluster.brokers.join(',')];
    const warnings = (log: string): string[] =>
      log.split('\n').filter((line) => /cleanup\.policy|compaction\.lag/.test(line));
    {
      await using collector = await startCollector({ args });
      await untilReady(collector);
      const told = await eventually(async () => {
        const lines = warnings(collector.log());
        expect(lines).toHaveLength(wrong.length);
        return lines;
      }, readyMsMax);
      for (const [i, [topic, what]] of wrong.entries()) {
        expect(told[i]).toContain(`topic ${topic}: ${what}`);
        expect(told[i]).toContain(`kafka-configs.sh --alter --topic ${mends[i]}`);
      }
    }
    await withAdmin(kafkaJs(cluster.brokers), async (admin) => {
      const type = ConfigResourceTypes.TOPIC;
      const lag = { name: 'min.compaction.lag.ms', value: '259200000' };
      const keeps = { name: 'cleanup.policy', value: 'delete' };
      await admin.alterConfigs({
        validateOnly: false,
        resources: [
          { type, name: 'windrow-samples', configEntries: [safe, keeps] },
          { type, name: 'window-results', configEntries: [safe, compact, lag] },
          { type, name: 'alerts', configEntries: [safe, compact] },
        ],
      });
    });
    await eventually(async () => {
      const { line, advice } = await doctor('collector');
      expect(line).toMatch(/^OK {4}topics /);
      expect(advice).toEqual([]);
    }, readyMsMax);
    await using mended = await startCollector({ args });
    await untilReady(mended);
    expect(warnings(mended.log())).toEqual([]);
  });

  it('a topic that was made while one broker was there: a collector that starts warns, and says how many replicas it gives to those that it makes', async () => {
    await make({ topic: 'windrow-samples', numPartitions: 6, replicationFactor: 1 });
    await eventually(async () => {
      const { line } = await doctor('agent');
      expect(line).toContain('1 there');
    }, readyMsMax);
    await using collector = await startCollector({ args: ['--kafka', cluster.brokers.join(',')] });
    const told = await eventually(async () => {
      const lines = collector.log().split('\n');
      const found = lines.filter((line) => line.includes('replication is'));
      expect(found).toHaveLength(1);
      return found.map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>);
    }, readyMsMax);
    expect(told).toMatchObject([
      {
        level: 40,
        msg: 'topic windrow-samples: replication is 1, not 3 (kafka.replication)',
        hint: 'kafka-reassign-partitions.sh gives it more, or delete it while it is empty: it is made anew',
      },
    ]);
    // By then it has made all that it reads and writes.
    await untilReady(collector);
    const lines = collector.log().split('\n');
    const made = lines
      .filter((line) => line.includes('"msg":"topic made"'))
      .map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>);
    expect(made.map(({ topic }) => topic)).toContain('alerts');
    expect(made).toHaveLength(8);
    for (const each of made) expect(each).toMatchObject({ level: 30, replicas: 3, brokers: 3 });
    const days90 = String(90 * 24 * 60 * 60 * 1000);
    await eventually(async () => {
      const { resources } = await withAdmin(kafkaJs(cluster.brokers), (admin) =>
        admin.describeConfigs({
          resources: ['alerts', 'window-results'].map((name) => ({
            type: ConfigResourceTypes.TOPIC,
            name,
            configNames: ['delete.retention.ms'],
          })),
          includeSynonyms: false,
        }),
      );
      expect(resources.map(({ configEntries }) => configEntries[0]?.configValue)).toEqual([
        days90,
        days90,
      ]);
    }, readyMsMax);
  });

  it('run: topics are made as the settings say, and one that is there is used as it is', async () => {
    await make({ topic: 'windrow-inventory', numPartitions: 1, replicationFactor: 1 });
    await eventually(async () => {
      const { line } = await doctor('agent');
      expect(line).toContain('1 there');
    }, readyMsMax);
    const env = { WINDROW_KAFKA_PARTITIONS: '4', WINDROW_KAFKA_REPLICATION: '2' };
    const args = ['--kafka', cluster.brokers.join(',')];
    await using collector = await startCollector({ args, env });
    await using agent = await startAgent({ to: nowhere, args, env });
    await eventually(async () => {
      expect(await metric(collector.url, 'windrow_samples_received_total')).toBeGreaterThan(2);
    }, readyMsMax);
    expect(agent.endedByItself()).toBeUndefined();
    const wanted = ['alerts', 'system_metrics', 'topic-cpu', 'topic-disk', 'topic-mem']
      .concat('topic-net', 'window-results', 'windrow-samples')
      .map((name) => `${name} 4x2`);
    // Brokers hear of topics one after the other.
    await eventually(async () => {
      const { topics } = await withAdmin(kafkaJs(cluster.brokers), async (admin) =>
        admin.fetchTopicMetadata({ topics: await ours(admin) }),
      );
      const made = topics.map(({ name, partitions }) => {
        const replicas = new Set(partitions.map(({ replicas: nodes }) => nodes.length));
        return `${name} ${partitions.length}x${[...replicas].join('/')}`;
      });
      expect(made.sort()).toEqual([...wanted, 'windrow-inventory 1x1'].sort());
    }, readyMsMax);
  });
});

/** All but Kafka's own. */
async function ours(admin: { listTopics(): Promise<string[]> }): Promise<string[]> {
  return (await admin.listTopics()).filter((topic) => !topic.startsWith('__'));
}
