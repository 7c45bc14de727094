/** How many replicas a topic gets depends on the brokers of the moment: it must be told. */
import { expect, it, onTestFinished, vi } from 'vitest';
import { createKeptLog } from '../../../runtime/testing/kept-log.ts';
import { KafkaAdmin } from './admin.ts';
import { KafkaClient } from './client.ts';
import { fewReplicas } from './topics.ts';

const never = new AbortController().signal;
const settings = { brokers: [], clientId: 'test', tls: undefined, sasl: undefined };

/** Brokers that make a topic, or have it made by another one meanwhile. */
function admin(brokerCount: number, answer: () => void = () => {}) {
  const brokers = new Map(Array.from({ length: brokerCount }, (_, id) => [id, {}]));
  const made = new Map<string, unknown>();
  const asked: unknown[] = [];
  const client = {
    metadata: async () => ({ brokers, controllerId: 1, topics: made }),
    call: async (_api: string, _node: number, [topic]: [{ name: string }]) => {
      asked.push(topic);
      made.set(topic.name, { partitions: [{ leader: 1 }] });
      answer();
    },
    close: async () => {},
  };
  const opening = vi.spyOn(KafkaClient, 'open').mockResolvedValue(client as never);
  onTestFinished(() => opening.mockRestore());
  const { log, lines } = createKeptLog();
  return { admin: new KafkaAdmin(settings, log), asked, lines };
}

const spec = { name: 't', partitions: 6, replicas: undefined, settings: {} };

it.each([
  [2, undefined, 1, []],
  [3, undefined, 3, [{ name: 'min.insync.replicas', value: '2' }]],
  [3, 2, 2, []],
])(
  'of %i brokers, with kafka.replication %s, a topic gets %i replicas, and that is told once',
  async (brokers, replicas, got, configs) => {
    const scene = admin(brokers);
    await scene.admin.ensure([{ ...spec, replicas }], never);
    await scene.admin.ensure([{ ...spec, replicas }], never);
    expect(scene.asked).toEqual([
      { name: 't', numPartitions: 6, replicationFactor: got, assignments: [], configs },
    ]);
    const told = { level: 'info', topic: 't', partitions: 6, replicas: got, brokers };
    expect(scene.lines).toEqual([{ ...told, msg: 'topic made' }]);
  },
);

it('a topic that another one made is not told as ours', async () => {
  const scene = admin(3, () => {
    throw Object.assign(new Error('there'), { apiId: 'TOPIC_ALREADY_EXISTS' });
  });
  await scene.admin.ensure([spec], never);
  expect(scene.asked).toHaveLength(1);
  expect(scene.lines).toEqual([]);
});

it('a topic has too few replicas when the brokers would give it more by now, or as many as are set', () => {
  const of = (replicas: number | undefined, count: number, brokers: number) =>
    fewReplicas({ name: 't', replicas }, count, brokers)?.what;
  expect(of(undefined, 1, 3)).toBe('replication is 1, not 3 (kafka.replication)');
  expect(of(2, 1, 3)).toBe('replication is 1, not 2 (kafka.replication)');
  for (const [replicas, count, brokers] of [
    [undefined, 1, 2],
    [undefined, 3, 5],
    [1, 1, 3],
    // One is away.
    [undefined, 3, 2],
  ] as const) {
    expect(of(replicas, count, brokers)).toBeUndefined();
  }
});

it('where there are fewer brokers than replicas are to be, no advice asks for what they cannot do', () => {
  const mend = (brokers: number) => fewReplicas({ name: 't', replicas: 3 }, 1, brokers)?.mend;
  expect(mend(1)).toBe('lower kafka.replication, or start the brokers that are down');
  expect(mend(3)).toContain('kafka-reassign-partitions.sh');
});
