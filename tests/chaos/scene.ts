/** The two programs as people run them, with a network between them that a test may cut. */
import { join } from 'node:path';
import { expect } from 'vitest';
import { eventually, metric } from '../support/http.ts';
import {
  type Program,
  type RunningCollector,
  startAgent,
  startCollector,
} from '../support/programs.ts';
import { Dice } from './dice.ts';
import { fleetMade } from './fleet-made.ts';
import { Link } from './link.ts';
import { recordsWaiting } from './queue-file.ts';
import { fairWeather } from './schedule.ts';
import { collectorEnv } from './settings.ts';

/** A long outage, and the longest backoff behind it, end within this. */
const waitMsMax = 240_000;

export interface Scene {
  readonly link: Link;
  /** The collector's data folder. */
  readonly dataDir: string;
  startAgent(): Promise<void>;
  /** An agent to which nothing happens but what happens to the collector. */
  startOther(): Promise<void>;
  startCollector(): Promise<void>;
  killAgent(): Promise<void>;
  killCollector(): Promise<void>;
  /** Waits until so many more samples are stored. */
  storesMore(samples: number): Promise<void>;
  /** Waits until so many records wait at the agent. */
  waits(records: number): Promise<void>;
  /** Waits until nothing waits, then stops both. */
  comeToRest(): Promise<void>;
}

/** @param folder an empty one */
export async function openScene(folder: string, cleanUp: AsyncDisposableStack): Promise<Scene> {
  const dataDir = join(folder, 'collector');
  const agentData = join(folder, 'agent');
  let collector: RunningCollector | undefined;
  let agent: Program | undefined;
  let other: Program | undefined;
  const target = (): string | undefined => collector?.url.replace('localhost', '127.0.0.1');
  const open = () => Link.open({ weather: fairWeather, dice: new Dice(0), target });
  const link = cleanUp.use(await open());
  const otherLink = cleanUp.use(await open());
  cleanUp.defer(async () => {
    await other?.[Symbol.asyncDispose]();
    await agent?.[Symbol.asyncDispose]();
    await collector?.[Symbol.asyncDispose]();
  });
  const stored = (): Promise<number> => metric(target() ?? '', 'windrow_samples_received_total');
  return {
    link,
    dataDir,
    async startAgent() {
      const args = ['--data', agentData, '--server-id', 'pc'];
      agent = await startAgent({ to: link.url, args });
    },
    async startOther() {
      const args = ['--data', join(folder, 'other'), '--server-id', 'other'];
      other = await startAgent({ to: otherLink.url, args });
    },
    async startCollector() {
      collector = await startCollector({ dataDir, env: collectorEnv });
    },
    async killAgent() {
      await agent?.kill();
    },
    async killCollector() {
      const killed = collector;
      collector = undefined;
      await killed?.kill();
    },
    async storesMore(samples) {
      const before = await stored();
      await eventually(async () => {
        expect(await stored()).toBeGreaterThanOrEqual(before + samples);
      }, waitMsMax);
    },
    async waits(records) {
      await eventually(async () => {
        expect(recordsWaiting(agentData)).toBeGreaterThanOrEqual(records);
      }, waitMsMax);
    },
    async comeToRest() {
      for (const each of [link, otherLink]) {
        each.forgetWaiting();
        await eventually(async () => expect(each.oldestWaitsMs).toBe(0), waitMsMax);
      }
      for (const each of [agent, other]) expect(await each?.stop()).toBe(0);
      await fleetMade(dataDir, waitMsMax);
      expect(await collector?.stop()).toBe(0);
    },
  };
}
