/**
 * A fleet on a cluster of the test's own: collectors that share it, agents with scripted samples for
 * the time of a run, one for each slot, and whoever is told of alerts. The real programs throughout.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { partitionOf } from '../../../wire/transport/log/partition.ts';
import { AgentActor } from '../../chaos/agent-actor.ts';
import { CollectorActor } from '../../chaos/collector-actor.ts';
import { Receiver } from '../../chaos/receiver.ts';
import { fairWeather } from '../../chaos/schedule.ts';
import { eventually, metric } from '../../support/http.ts';
import { violationsOf } from './fleet-outcome.ts';
import { recoverMsMax, Run } from './fleet-run.ts';
import { expectReady } from './ready.ts';

/** Partitions of topics that windrow makes. */
export const slots = 6;
/** What is held up for a minute goes out in its order: more than 120 samples would not. */
const intervalMs = 500;
/** Records that agents have sent and a collector is about to read. */
const behindRecordsMax = 10;
/** Where an agent on brokers does not send to. */
const nowhere = 'http://127.0.0.1:9';

/** `lasting` begins with the first window and ends with the goodbye: it spans whatever happens. */
const alerts = (receiverUrl: string): string => `
rules:
  - { name: lasting, about: Memory is in use., when: mem_pct.avg > 10, severity: info }
  - { name: busy, about: The CPU is busy., when: cpu_pct.avg > 60, clear: cpu_pct.avg < 40, severity: warning }
  - { name: fleet, about: Memory is in use everywhere., of: fleet, when: mem_pct.avg > 10, severity: info }
notifiers:
  hook: { type: webhook, url: '${receiverUrl}', timeout: 15s }
group_wait: 200ms
`;

export interface FleetOptions {
  readonly brokers: readonly string[];
  /** An empty one. */
  readonly folder: string;
}

export class Fleet {
  readonly receiver: Receiver;
  readonly collectors: CollectorActor[] = [];
  readonly #options: FleetOptions;
  readonly #cleanUp: AsyncDisposableStack;

  private constructor(
    options: FleetOptions,
    { receiver, cleanUp }: { receiver: Receiver; cleanUp: AsyncDisposableStack },
  ) {
    this.#options = options;
    this.receiver = receiver;
    this.#cleanUp = cleanUp;
  }

  /** Without collectors. */
  static async open(options: FleetOptions, cleanUp: AsyncDisposableStack): Promise<Fleet> {
    return new Fleet(options, { receiver: cleanUp.use(await Receiver.open()), cleanUp });
  }

  /** One more collector. @param brokers as it knows them */
  async join(brokers = this.#options.brokers): Promise<CollectorActor> {
    const collector = this.#cleanUp.use(
      new CollectorActor({
        folder: join(this.#options.folder, `collector-${this.collectors.length + 1}`),
        needsDisk: false,
        alerts: alerts(this.receiver.url),
        env: envOf(brokers),
      }),
    );
    this.collectors.push(collector);
    await start(collector);
    return collector;
  }

  /** Waits until those that run have equal shares and have read up what is there. */
  async isShared(): Promise<void> {
    const running = this.collectors.flatMap(({ url }) => url ?? []);
    await eventually(async () => {
      for (const url of running) {
        await expectReady({ url });
        expect(await metric(url, 'windrow_log_slots')).toBe(slots / running.length);
        expect(await metric(url, 'windrow_log_behind_records')).toBeLessThan(behindRecordsMax);
      }
    }, recoverMsMax);
  }

  /**
   * Agents run while `happens`, and in the end all is as if nothing had.
   * @param name tells the servers of this run from those of others
   */
  async run(name: string, happens: (run: Run) => Promise<void>): Promise<void> {
    const { receiver, collectors } = this;
    const { brokers } = this.#options;
    const agents = this.#startAgents(name);
    await using run = new Run({ brokers, receiver, collectors, agents });
    try {
      await run.isUnderWay();
      await happens(run);
      await run.comesToRest();
      expect(await violationsOf(run)).toEqual([]);
    } catch (error) {
      throw new Error(`${String(error)}\n${this.#logs(agents)}`, { cause: error });
    }
  }

  /** One for each slot. */
  #startAgents(name: string): AgentActor[] {
    const folder = join(this.#options.folder, name);
    mkdirSync(folder);
    const env = envOf(this.#options.brokers);
    const agents = Array.from({ length: slots }, (_, slot) => {
      const serverId = serverOn(slot, name);
      const plan = { serverId, intervalMs, weather: fairWeather, faults: [] };
      return new AgentActor({ plan, folder: join(folder, serverId), to: nowhere, env });
    });
    for (const agent of agents) agent.start();
    return agents;
  }

  #logs(agents: readonly AgentActor[]): string {
    const ofCollectors = this.collectors.map(({ log }, i) => `===== collector ${i + 1}\n${log}`);
    const ofAgents = agents.map(({ serverId, log }) => `===== ${serverId}\n${log}`);
    return [...ofCollectors, ...ofAgents].join('\n');
  }
}

function envOf(brokers: readonly string[]): Record<string, string> {
  return { WINDROW_TRANSPORT: 'kafka', WINDROW_BROKERS: brokers.join(',') };
}

/** Starts one that was stopped or killed, or is new. */
export async function start(collector: CollectorActor): Promise<void> {
  await collector.start(AbortSignal.timeout(recoverMsMax));
}

/** A server whose records are in this partition. */
function serverOn(slot: number, name: string): string {
  for (let n = 0; ; n += 1) {
    const serverId = `${name}-${n}`;
    if (partitionOf(serverId, slots) === slot) return serverId;
  }
}
