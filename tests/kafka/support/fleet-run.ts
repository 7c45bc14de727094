/** One run of agents on a fleet, from their start until all is said and told. */
import { expect } from 'vitest';
import { ALERTS_TOPIC, decodeAlert } from '../../../wire/records/alert-record.ts';
import type { AgentActor } from '../../chaos/agent-actor.ts';
import type { CollectorActor } from '../../chaos/collector-actor.ts';
import { fleetMade } from '../../chaos/fleet-made.ts';
import type { Notified, Receiver } from '../../chaos/receiver.ts';
import { numberOf } from '../../chaos/script.ts';
import { eventually, getJson, metric } from '../../support/http.ts';
import { nameOf, type Ran, storeOf } from './fleet-outcome.ts';
import { recordsIn } from './kafka.ts';

/** Sessions end, leaders are elected and pauses between tries pass, on a machine that is busy. */
export const recoverMsMax = 120_000;
/** Of an agent that did not send all in the time that its stop has. */
const restartsMax = 5;

export interface RunOptions {
  readonly brokers: readonly string[];
  readonly receiver: Receiver;
  /** More may come. */
  readonly collectors: readonly CollectorActor[];
  /** By slot. */
  readonly agents: readonly AgentActor[];
}

export class Run implements Ran, AsyncDisposable {
  readonly beganMs = Date.now();
  readonly agents: readonly AgentActor[];
  readonly collectors: readonly CollectorActor[];
  readonly mayRepeat = new Set<string>();
  readonly #brokers: readonly string[];
  readonly #receiver: Receiver;
  /** Notifications of before are not of this run. */
  readonly #toldBefore: number;

  constructor({ brokers, receiver, collectors, agents }: RunOptions) {
    this.agents = agents;
    this.collectors = collectors;
    this.#brokers = brokers;
    this.#receiver = receiver;
    this.#toldBefore = receiver.notified.length;
  }

  get told(): readonly Notified[] {
    return this.#receiver.notified.slice(this.#toldBefore);
  }

  /** Waits until every server has windows, and everybody was told of the alerts that last. */
  async isUnderWay(): Promise<void> {
    await eventually(async () => {
      const told = this.told.flatMap(({ alerts: all }) => all);
      const lasting = told.filter(({ rule, status }) => rule !== 'busy' && status === 'firing');
      const subjects = new Set(lasting.map(({ rule, server }) => `${rule} ${server}`));
      expect(subjects.size).toBe(this.agents.length + 1);
    }, recoverMsMax);
  }

  /** Waits until all that these have measured so far is stored, and some more. */
  async goesOn(agents = this.agents): Promise<void> {
    const sofar = new Map(agents.map(({ serverId, noted }) => [serverId, Math.max(...noted)]));
    await eventually(async () => {
      const newest = this.#newest();
      for (const [serverId, number] of sofar) {
        expect(newest.get(serverId), serverId).toBeGreaterThan(number + 4);
      }
    }, recoverMsMax);
  }

  /** SIGKILL. What was told and is not recorded so may be told again. */
  async kill(collector: CollectorActor): Promise<void> {
    await collector.kill();
    await this.mayTellAgain();
  }

  /** Who told what is not recorded so by now will not record it before another tells it again. */
  async mayTellAgain(): Promise<void> {
    const recorded = await recordedAsTold(this.#brokers);
    for (const step of this.told.flatMap(({ alerts: all }) => all)) {
      if (!recorded.has(nameOf(step))) this.mayRepeat.add(nameOf(step));
    }
  }

  /** All say goodbye, what they have sent is read, and everybody was told how it ended. */
  async comesToRest(): Promise<void> {
    await this.goesOn();
    await Promise.all(this.agents.map((agent) => this.#sayGoodbye(agent)));
    await eventually(async () => {
      for (const { url } of this.collectors) {
        if (url === undefined) continue;
        const { active } = await getJson<{ active: unknown[] }>(`${url}/api/alerts`);
        expect(active).toEqual([]);
        expect(await metric(url, 'windrow_notifications_waiting{notifier="hook"}')).toBe(0);
        expect(await metric(url, 'windrow_results_unpublished_records')).toBe(0);
      }
      expect(this.#receiver.unresolved()).toEqual([]);
    }, recoverMsMax);
    for (const { url, dataDir } of this.collectors) {
      if (url !== undefined) await fleetMade(dataDir, recoverMsMax);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.agents.map((agent) => agent[Symbol.asyncDispose]()));
  }

  async #sayGoodbye(agent: AgentActor): Promise<void> {
    await agent.stop();
    for (let again = 0; agent.left > 0 && again < restartsMax; again += 1) {
      agent.start();
      await this.goesOn([agent]);
      await agent.stop();
    }
  }

  #newest(): Map<string, number> {
    const newest = new Map<string, number>();
    for (const { dataDir } of this.collectors) {
      for (const [serverId, own] of storeOf(dataDir).samples) {
        const numbers = own.map(({ values }) => numberOf(values));
        newest.set(serverId, Math.max(newest.get(serverId) ?? -1, ...numbers));
      }
    }
    return newest;
  }
}

/** Steps of alerts that the topic says were sent. */
async function recordedAsTold(brokers: readonly string[]): Promise<ReadonlySet<string>> {
  const records = await recordsIn(brokers, ALERTS_TOPIC);
  const sent = records.flatMap(({ key, value }) => {
    const decoded = decodeAlert({ key: key ?? undefined, value: value ?? undefined });
    if (decoded.kind !== 'alert') throw new Error(JSON.stringify(decoded));
    const { rule, server, notices } = decoded.record;
    return notices
      .filter(({ outcomes }) => outcomes['hook'] === 'sent')
      .map(({ status, starts_ms: startsAtMs }) => nameOf({ rule, server, status, startsAtMs }));
  });
  return new Set(sent);
}
