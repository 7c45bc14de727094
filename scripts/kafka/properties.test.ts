import { expect, it } from 'vitest';
import { plainListener, type PropertiesOptions, serverProperties } from './properties.ts';

const three = [10, 20, 30].map((base) => ({
  client: base + 1,
  internal: base + 2,
  controller: base + 3,
}));

function properties(options: Partial<PropertiesOptions> = {}): Map<string, string> {
  const text = serverProperties({
    nodeId: 2,
    ports: three,
    logDir: '/d',
    listener: plainListener,
    advertisedPort: undefined,
    settings: {},
    ...options,
  });
  const pairs = text.trimEnd().split('\n');
  return new Map(
    pairs.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
  );
}

it('a node of three listens on its own ports, knows all voters, and survives the loss of one', () => {
  const all = properties();
  const listeners = 'CLIENT://127.0.0.1:21,INTERNAL://127.0.0.1:22,CONTROLLER://127.0.0.1:23';
  expect(all.get('listeners')).toBe(listeners);
  expect(all.get('advertised.listeners')).toBe(listeners);
  expect(all.get('controller.quorum.voters')).toBe('1@127.0.0.1:13,2@127.0.0.1:23,3@127.0.0.1:33');
  expect(all.get('default.replication.factor')).toBe('3');
  expect(all.get('min.insync.replicas')).toBe('2');
});

it.each([
  [1, '1', '1'],
  [2, '2', '1'],
  [5, '3', '2'],
])('of %i nodes a topic has %s replicas, %s of them in sync', (nodes, replicas, inSync) => {
  const ports = Array.from({ length: nodes }, () => ({ client: 1, internal: 2, controller: 3 }));
  const all = properties({ nodeId: 1, ports });
  expect(all.get('offsets.topic.replication.factor')).toBe(replicas);
  expect(all.get('transaction.state.log.min.isr')).toBe(inSync);
});

it('clients are told the proxy’s port, and nobody else is', () => {
  const all = properties({ advertisedPort: 99 });
  expect(all.get('advertised.listeners')).toBe(
    'CLIENT://127.0.0.1:99,INTERNAL://127.0.0.1:22,CONTROLLER://127.0.0.1:23',
  );
  expect(all.get('listeners')).toContain('CLIENT://127.0.0.1:21');
});

it('security is the clients’ listener’s alone, and a test’s own settings win', () => {
  const all = properties({
    listener: { protocol: 'SASL_SSL', settings: { 'sasl.enabled.mechanisms': 'PLAIN' } },
    settings: { 'min.insync.replicas': 1 },
  });
  expect(all.get('listener.security.protocol.map')).toBe(
    'CLIENT:SASL_SSL,INTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT',
  );
  expect(all.get('listener.name.client.sasl.enabled.mechanisms')).toBe('PLAIN');
  expect(all.get('min.insync.replicas')).toBe('1');
});

it('a value with a line’s end or a backslash stays one value', () => {
  const all = properties({ logDir: 'C:\\kafka', settings: { 'ssl.key': 'a\nb' } });
  expect(all.get('log.dirs')).toBe('C:\\\\kafka');
  expect(all.get('ssl.key')).toBe('a\\nb');
});
