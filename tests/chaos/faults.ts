/** Carries out the faults of a schedule, each at its time; what they break is whole again at the end. */
import { pause } from '../../runtime/lifecycle.ts';
import type { AgentActor } from './agent-actor.ts';
import type { CollectorActor } from './collector-actor.ts';
import type { Link } from './link.ts';
import type { Receiver } from './receiver.ts';
import {
  type AgentFault,
  type CollectorFault,
  faultsMs,
  type NotifierFault,
  type Schedule,
  type Timed,
} from './schedule.ts';
import type { Stage } from './stage.ts';

interface Timing {
  /** Monotonic time of the schedule's 0. */
  readonly startedMs: number;
  readonly signal: AbortSignal;
}

export async function carryOut(
  schedule: Schedule,
  { collector, receiver, agents }: Stage,
  signal: AbortSignal,
): Promise<void> {
  const timing: Timing = { startedMs: performance.now(), signal };
  await Promise.all([
    // A run without faults of its own is as long.
    pause(faultsMs, signal),
    ...agents.map(({ actor, link }) => agentFaults(actor, link, timing)),
    collectorFaults(collector, schedule.collector, timing),
    track(schedule.notifier, timing, (fault) => notifierFault(receiver, fault, signal)),
  ]);
}

/** One fault after the other; one that comes while another lasts begins when that is over. */
async function track<Fault extends Timed>(
  faults: readonly Fault[],
  { startedMs, signal }: Timing,
  carryOutOne: (fault: Fault) => Promise<void>,
): Promise<void> {
  for (const fault of faults) {
    await pause(Math.max(0, startedMs + fault.atMs - performance.now()), signal);
    if (signal.aborted) return;
    await carryOutOne(fault);
  }
}

/** Network, disk, clock and process fail apart from each other, also at one time. */
async function agentFaults(actor: AgentActor, link: Link, timing: Timing): Promise<void> {
  const { signal } = timing;
  const { faults } = actor.plan;
  const only = <Kind extends AgentFault['kind']>(...kinds: readonly Kind[]) =>
    faults.filter((fault): fault is AgentFault & { readonly kind: Kind } =>
      (kinds as readonly string[]).includes(fault.kind),
    );
  await Promise.all([
    track(only('cut'), timing, async ({ forMs }) => {
      link.cut();
      await pause(forMs, signal);
      link.heal();
    }),
    track(only('disk-full'), timing, async ({ forMs }) => {
      await actor.fillDisk();
      await pause(forMs, signal);
      actor.makeRoom();
    }),
    track(only('clock-stepped'), timing, async ({ byMs }) => actor.stepClock(byMs)),
    track(only('killed', 'restarted', 'queue-damaged'), timing, async (fault) => {
      if (fault.kind === 'restarted') await actor.stop();
      else await actor.kill();
      if (fault.kind === 'queue-damaged') actor.damageQueue(fault);
      await pause(fault.forMs, signal);
      actor.start();
    }),
  ]);
}

async function collectorFaults(
  collector: CollectorActor,
  faults: readonly CollectorFault[],
  timing: Timing,
): Promise<void> {
  const { signal } = timing;
  const disk = faults.filter(({ kind }) => kind === 'disk-full');
  const process = faults.filter(({ kind }) => kind !== 'disk-full');
  await Promise.all([
    track(disk, timing, async ({ forMs }) => {
      collector.fillDisk();
      await pause(forMs, signal);
      collector.makeRoom();
    }),
    track(process, timing, async ({ kind, forMs }) => {
      if (kind === 'restarted') await collector.stop();
      else await collector.kill();
      await pause(forMs, signal);
      await collector.start(signal);
    }),
  ]);
}

async function notifierFault(
  receiver: Receiver,
  { kind, forMs }: NotifierFault,
  signal: AbortSignal,
): Promise<void> {
  receiver.mood = kind;
  await pause(forMs, signal);
  receiver.mood = 'well';
}
