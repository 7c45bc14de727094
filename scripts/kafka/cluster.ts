/**
 * One or several brokers on loopback, on one folder:
 *
 *     cluster.json              the cluster's id and ports, fixed at its first start
 *     node-1/server.properties  written anew at each start
 *     node-1/data/              topics
 *     node-1/broker.log
 */
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import type { WindrowError } from '../../runtime/errors.ts';
import { lockFolder } from '../../runtime/folder-lock.ts';
import { formatArguments, type Installation } from './java.ts';
import { type Layout, layoutOf } from './layout.ts';
import { KafkaNode } from './node.ts';
import type { PortRange } from './ports.ts';
import {
  type ClientListener,
  plainListener,
  serverProperties,
  type Settings,
} from './properties.ts';

/** Kafka's own tool prepares a folder in a second on an idle machine. */
const formatMsMax = 60_000;

export interface ClusterOptions {
  /** Brokers; as many as the folder has when not given, and one when it is new. */
  readonly nodes?: number | undefined;
  /** A new one, removed at the end, when not given. */
  readonly dataDir?: string | undefined;
  /** Where those of a new one are from: others who start clusters meanwhile take none of them. */
  readonly ports?: PortRange;
  /** Plain when not given. */
  readonly listener?: ClientListener;
  /** SCRAM users that are there from the start, as `kafka-storage format --add-scram` takes them. */
  readonly scramUsers?: readonly string[];
  /** Ports that clients are told, node 1 first: those of proxies. */
  readonly advertisedPorts?: readonly number[];
  /** More of `server.properties`, for every node. */
  readonly settings?: Settings;
}

export class KafkaCluster implements AsyncDisposable {
  /** Node 1 first. */
  readonly nodes: readonly KafkaNode[];
  /** `127.0.0.1:PORT` of each, as clients are told them. */
  readonly brokers: readonly string[];
  #release: (() => void) | undefined;

  private constructor(
    nodes: readonly KafkaNode[],
    brokers: readonly string[],
    release: () => void,
  ) {
    this.nodes = nodes;
    this.brokers = brokers;
    this.#release = release;
  }

  /**
   * Starts all brokers and waits until each knows the others.
   * @throws WindrowError `usage` when the folder holds another number of brokers, `port_in_use`,
   *   `store_unavailable` when another program runs on it, `unreachable` when a broker does not start
   */
  static async start(
    installation: Installation,
    options: ClusterOptions,
    signal: AbortSignal,
  ): Promise<KafkaCluster> {
    const { folder, release } = takeFolder(options.dataDir);
    let cluster: KafkaCluster | undefined;
    try {
      const layout = await layoutOf(folder, options.nodes, options.ports);
      await Promise.all(
        layout.ports.map((_, index) =>
          prepareNode(folder, layout, index + 1, installation, options, signal),
        ),
      );
      const nodes = layout.ports.map(
        (ports, index) =>
          new KafkaNode({
            id: index + 1,
            ports,
            folder: nodeFolder(folder, index + 1),
            folderStays: options.dataDir !== undefined,
            installation,
          }),
      );
      const brokers = layout.ports.map(
        ({ client }, index) => `127.0.0.1:${options.advertisedPorts?.[index] ?? client}`,
      );
      cluster = new KafkaCluster(nodes, brokers, release);
      await startAll(nodes, signal);
      return cluster;
    } catch (error) {
      if (cluster === undefined) release();
      else await cluster[Symbol.asyncDispose]();
      throw error;
    }
  }

  /**
   * Resolves when the last broker has ended though nobody asked it to; the loss of one of several is
   * what a cluster is there to show.
   * @param tell gets a line for each one before
   * @returns how the last one ended
   */
  async endedByItself(tell: (line: string) => void): Promise<WindrowError> {
    const { promise: lastEnded, resolve } = Promise.withResolvers<WindrowError>();
    let up = this.nodes.length;
    await Promise.all(
      this.nodes.map(async (node) => {
        const ended = await node.endedByItself();
        up -= 1;
        if (up === 0) return resolve(ended);
        const isMajority = up > this.nodes.length / 2;
        const rest = isMajority
          ? 'the others go on'
          : 'those that go on are too few for a majority';
        tell(`${ended.message}; ${rest}`);
      }),
    );
    return lastEnded;
  }

  /** Every broker that is up ends cleanly, in bounded time; then the folder is given back. */
  async stop(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.stop()));
    this.#giveBack();
  }

  /** As `stop`, and at once: what is in the folder is not of interest any more. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.kill()));
    this.#giveBack();
  }

  /** Once: it may be another's by then. */
  #giveBack(): void {
    this.#release?.();
    this.#release = undefined;
  }
}

/** One that fails ends the others' waiting too. */
async function startAll(nodes: readonly KafkaNode[], signal: AbortSignal): Promise<void> {
  const failed = new AbortController();
  const bound = AbortSignal.any([signal, failed.signal]);
  const ids = nodes.map(({ id }) => id);
  const results = await Promise.allSettled(
    nodes.map((node) =>
      node.start(bound, ids).catch((error: unknown) => {
        failed.abort(error);
        throw error;
      }),
    ),
  );
  if (results.some(({ status }) => status === 'rejected')) throw bound.reason;
}

function takeFolder(dataDir: string | undefined): { folder: string; release: () => void } {
  if (dataDir !== undefined) {
    const folder = resolve(dataDir);
    return { folder, release: lockFolder(folder, 'Kafka') };
  }
  const folder = mkdtempSync(join(tmpdir(), 'windrow-kafka-'));
  return { folder, release: () => rmSync(folder, { recursive: true, force: true }) };
}

function nodeFolder(folder: string, nodeId: number): string {
  return join(folder, `node-${nodeId}`);
}

async function prepareNode(
  folder: string,
  { id, ports }: Layout,
  nodeId: number,
  installation: Installation,
  options: ClusterOptions,
  signal: AbortSignal,
): Promise<void> {
  const own = nodeFolder(folder, nodeId);
  const logDir = join(own, 'data');
  const properties = join(own, 'server.properties');
  mkdirSync(own, { recursive: true });
  const text = serverProperties({
    nodeId,
    ports,
    logDir,
    listener: options.listener ?? plainListener,
    advertisedPort: options.advertisedPorts?.[nodeId - 1],
    settings: options.settings ?? {},
  });
  writeFileSync(properties, text);
  // The tool writes this file last.
  if (existsSync(join(logDir, 'meta.properties'))) return;
  const scram = (options.scramUsers ?? []).flatMap((user) => ['--add-scram', user]);
  const args = formatArguments(installation, [
    '-t',
    id,
    '-c',
    properties,
    '--ignore-formatted',
    ...scram,
  ]);
  await promisify(execFile)('java', args, { signal, timeout: formatMsMax });
}
