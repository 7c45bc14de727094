/** One run: faults on real processes, then all heals and drains, then everybody stops. */
import { expect } from 'vitest';
import type { AlertsView } from '../../collector/api/contract.ts';
import { eventually, getJson, metric } from '../support/http.ts';
import type { AgentActor } from './agent-actor.ts';
import { carryOut } from './faults.ts';
import { fleetMade } from './fleet-made.ts';
import type { Link } from './link.ts';
import { accountingOf, logsOf, memoryOf, type Outcome, outcomeOf } from './outcome.ts';
import { type RunOptions, setUp, type Stage } from './stage.ts';

/** Agents and notifiers in their longest backoff, a minute, come back within this. */
const drainMsMax = 120_000;
const startsMax = 10;
const waitingMetric = 'windrow_notifications_waiting{notifier="hook"}';
/** A sample that has waited for less, clocks set back included, waits for the batch before it. */
const waitsMsMax = 20_000;
/** Of samples, for each agent: some windows, and the lateness behind them. */
const measuredMsMin = 7_000;

/** @throws when something does not come to rest; the message ends with the programs' logs */
export async function run(options: RunOptions): Promise<Outcome> {
  await using cleanUp = new AsyncDisposableStack();
  const stage = await setUp(options, cleanUp);
  const stopping = new AbortController();
  // First of all to happen at the end: nothing is started again.
  cleanUp.defer(() => stopping.abort());
  try {
    await stage.collector.start(stopping.signal);
    for (const { actor } of stage.agents) actor.start();
    await carryOut(options.schedule, stage, stopping.signal);
    return await comeToRest(stage);
  } catch (error) {
    throw new Error(`${String(error)}\n${logsOf(stage)}`, { cause: error });
  }
}

async function comeToRest(stage: Stage): Promise<Outcome> {
  const { collector, agents } = stage;
  await Promise.all(agents.map(({ link }) => drained(link)));
  await Promise.all(agents.map(({ actor }) => measuredEnough(actor)));
  const rssBytes = memoryOf(stage);
  await Promise.all(agents.map(({ actor, link }) => sayGoodbye(actor, link)));
  await everybodyTold(stage);
  await fleetMade(stage.collector.dataDir, drainMsMax);
  const accounting = await accountingOf(collector.url ?? '');
  await collector.stop();
  return { ...outcomeOf(stage, accounting), rssBytes };
}

/** Nothing of before waits at the agent any longer. On a busy disk a commit takes as long as many samples. */
async function drained(link: Link): Promise<void> {
  await link.calm();
  link.forgetWaiting();
  await eventually(async () => {
    expect(link.oldestWaitsMs).toBeLessThan(waitsMsMax);
  }, drainMsMax);
}

/** On a busy machine the faults may be over before the agents have got far. */
async function measuredEnough(actor: AgentActor): Promise<void> {
  await eventually(async () => {
    expect(actor.noted.length * actor.plan.intervalMs).toBeGreaterThan(measuredMsMin);
  }, drainMsMax);
}

/** A goodbye has two seconds; what a busy machine does not send in them the next start does. */
async function sayGoodbye(actor: AgentActor, link: Link): Promise<void> {
  await actor.stop();
  for (let start = 0; actor.left > 0 && start < startsMax; start += 1) {
    actor.start();
    await drained(link);
    await actor.stop();
  }
}

/** After the goodbyes every alert is over, and who was told of one is told so. */
async function everybodyTold({ collector, receiver }: Stage): Promise<void> {
  await eventually(async () => {
    const { active } = await getJson<AlertsView>(`${collector.url}/api/alerts`);
    expect(active).toEqual([]);
    expect(await metric(collector.url ?? '', waitingMetric)).toBe(0);
    expect(receiver.unresolved()).toEqual([]);
  }, drainMsMax);
}
