/** A broker's `server.properties`: pure text. */

export interface NodePorts {
  /** Where clients connect. */
  readonly client: number;
  /** Plain, whatever clients must do: for the brokers among each other and for whoever runs them. */
  readonly internal: number;
  readonly controller: number;
}

/** Keys and values as Kafka's documentation names them. */
export type Settings = Readonly<Record<string, string | number | boolean>>;

export type ListenerProtocol = 'PLAINTEXT' | 'SSL' | 'SASL_PLAINTEXT' | 'SASL_SSL';

/** How clients connect. */
export interface ClientListener {
  readonly protocol: ListenerProtocol;
  /** Of this listener alone: `ssl.keystore.location`, `sasl.enabled.mechanisms`, … */
  readonly settings: Settings;
}

export const plainListener: ClientListener = { protocol: 'PLAINTEXT', settings: {} };

export interface PropertiesOptions {
  readonly nodeId: number;
  /** Of all nodes, node 1 first. */
  readonly ports: readonly NodePorts[];
  readonly logDir: string;
  readonly listener: ClientListener;
  /** The port that clients are told, where it is not the one that the broker listens on: a proxy's. */
  readonly advertisedPort: number | undefined;
  /** These come last and win. */
  readonly settings: Settings;
}

/** Replicas of a topic, Kafka's own included. */
const replicasMax = 3;
/** Kafka's own topics have 50 partitions otherwise: files and time that one PC does not need. */
const ownPartitions = 4;

/** @throws Error when there is no port for the node */
export function serverProperties(options: PropertiesOptions): string {
  const { nodeId, ports, listener, settings } = options;
  const own = ports[nodeId - 1];
  if (own === undefined) throw new Error(`node ${nodeId} has no ports`);
  const client = options.advertisedPort ?? own.client;
  const replicas = Math.min(replicasMax, ports.length);
  const voters = ports.map(({ controller }, index) => `${index + 1}@127.0.0.1:${controller}`);
  const all: Settings = {
    'process.roles': 'broker,controller',
    'node.id': nodeId,
    'controller.quorum.voters': voters.join(','),
    'controller.listener.names': 'CONTROLLER',
    'inter.broker.listener.name': 'INTERNAL',
    listeners: listeners({ ...own }),
    'advertised.listeners': listeners({ ...own, client }),
    'listener.security.protocol.map': `CLIENT:${listener.protocol},INTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT`,
    'log.dirs': options.logDir,
    'default.replication.factor': replicas,
    // One replica may be away, where there is more than one.
    'min.insync.replicas': Math.max(1, replicas - 1),
    'offsets.topic.replication.factor': replicas,
    'offsets.topic.num.partitions': ownPartitions,
    'transaction.state.log.replication.factor': replicas,
    'transaction.state.log.min.isr': Math.max(1, replicas - 1),
    'transaction.state.log.num.partitions': ownPartitions,
    'share.coordinator.state.topic.replication.factor': replicas,
    'share.coordinator.state.topic.min.isr': Math.max(1, replicas - 1),
    'share.coordinator.state.topic.num.partitions': ownPartitions,
    'group.initial.rebalance.delay.ms': 0,
    // A broker that was killed is given up after 3 s, not 9: on loopback a heartbeat is not late.
    'broker.session.timeout.ms': 3_000,
    'broker.heartbeat.interval.ms': 500,
    ...withPrefix('listener.name.client.', listener.settings),
    ...settings,
  };
  return Object.entries(all)
    .map(([key, value]) => `${key}=${escaped(String(value))}\n`)
    .join('');
}

function listeners({ client, internal, controller }: NodePorts): string {
  const at = (name: string, port: number): string => `${name}://127.0.0.1:${port}`;
  return [at('CLIENT', client), at('INTERNAL', internal), at('CONTROLLER', controller)].join(',');
}

function withPrefix(prefix: string, settings: Settings): Settings {
  return Object.fromEntries(Object.entries(settings).map(([key, value]) => [prefix + key, value]));
}

/** As `java.util.Properties` reads it: a backslash escapes, and a line's end ends the value. */
function escaped(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replace(/^ /, '\\ ');
}
