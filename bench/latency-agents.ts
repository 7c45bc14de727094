/**
 * Real agents under one real breach after the other: ten of them watch this machine and send to a
 * broker, a collector judges their memory, and a program beside them takes memory of the machine and
 * gives it back. Each change is told of every agent: when it fires, and when it is over.
 */
import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { freemem, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { BenchNotice } from './alerts-receiver.ts';
import { startTelling } from './latency-collector.ts';
import { finished, firstLine, spawnNode } from './programs.ts';

export const AGENTS = 10;
const cycles = 5;
/**
 * Longer than a slide and the second in which it is seen, so that a window ends meanwhile; not a
 * whole number of slides, so that changes come at another moment between two ends each time.
 */
const holdMs = 17_000;
/** Beyond that, until the last window is complete and has been told of on a slow machine, too. */
const afterMs = 8_000;
/** An agent that starts reads the inventory, which takes many programs, and 30 s at most. */
const agentsSettleMs = 30_000;
/** Until all have been heard, and the collector takes no more memory. */
const collectorSettleMs = 10_000;
/** With an interval of a second, each agent samples at another moment of it. */
const startApartMs = 1_000 + 1_000 / AGENTS;
/**
 * So far below the limit the machine is at first, and above it when memory is taken: other programs
 * take some and give it back meanwhile.
 */
const marginBytes = Math.round(0.06 * totalmem());

const here = (file: string): string => fileURLToPath(new URL(file, import.meta.url));

export interface AgentsMeasured {
  /** From the window's own end to the notice about it, of each that came. */
  readonly toldAfterEndMs: readonly number[];
  /** Changes that were not told of an agent. */
  readonly missing: number;
}

interface Change {
  readonly isOver: boolean;
  /** When it began, on the monotonic clock. */
  readonly atMs: number;
}

/** @param latenessMs the collector's */
export async function measureAgents(
  brokers: readonly string[],
  latenessMs: number,
): Promise<AgentsMeasured> {
  await using agents = await startAgents(brokers);
  await pause(agentsSettleMs);
  if (freemem() < 4 * marginBytes) throw new Error('too little of the memory is free');
  const limitBytes = usedBytes() + marginBytes;
  await using collector = await startTelling({ brokers, rule: ruleFor(limitBytes), latenessMs });
  await pause(collectorSettleMs);
  const changes = await takeAndGiveBack(limitBytes);
  await pause(afterMs);
  agents.check();
  return told(changes, collector.notices());
}

/** On Linux this is what an agent counts as used, too. */
function usedBytes(): number {
  return totalmem() - freemem();
}

/** By a window's newest sample: it is over in the first window that ends after it. */
function ruleFor(limitBytes: number): string {
  const limitPct = (100 * limitBytes) / totalmem();
  const when = `mem_pct.last > ${limitPct.toFixed(2)}`;
  return `{ name: memory, about: Memory is taken., when: ${when}, severity: critical }`;
}

async function startAgents(
  brokers: readonly string[],
): Promise<AsyncDisposable & { check(): void }> {
  await using opened = new AsyncDisposableStack();
  const folder = mkdtempSync(join(tmpdir(), 'windrow-bench-'));
  opened.defer(() => rmSync(folder, { recursive: true, force: true }));
  const to = ['--kafka', brokers.join(',')];
  const agents: ChildProcess[] = [];
  for (let i = 0; i < AGENTS; i += 1) {
    const own = ['--data', join(folder, `${i}`), '--server-id', `agent-${i}`];
    const agent = spawnNode([here('../agent/launch.js'), 'run', ...to, ...own], {
      WINDROW_LOG: 'warn',
    });
    opened.defer(async () => {
      agent.kill('SIGTERM');
      await finished(agent);
    });
    agents.push(agent);
    await pause(startApartMs);
  }
  const kept = opened.move();
  return {
    check() {
      const ended = agents.find(({ exitCode }) => exitCode !== null);
      if (ended !== undefined) throw new Error(`an agent ended with ${ended.exitCode}`);
    },
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

async function takeAndGiveBack(limitBytes: number): Promise<Change[]> {
  const changes: Change[] = [];
  for (let cycle = 0; cycle < cycles; cycle += 1) {
    changes.push({ isOver: false, atMs: performance.now() });
    const bytes = Math.max(0, limitBytes + marginBytes - usedBytes());
    const holder = spawnNode([here('./held-memory.ts'), `${bytes}`]);
    try {
      await firstLine(holder);
      await pause(holdMs);
    } finally {
      changes.push({ isOver: true, atMs: performance.now() });
      holder.kill('SIGKILL');
      await finished(holder);
    }
    await pause(holdMs);
  }
  return changes;
}

/** A change shows in a window that ends before the next one of its kind. */
function told(changes: readonly Change[], all: readonly BenchNotice[]): AgentsMeasured {
  // What came before was no doing of ours, and the collector may only just have started.
  const notices = all.filter(({ windowEndedMs }) => windowEndedMs > (changes[0]?.atMs ?? 0));
  const toldOf = changes.map(({ isOver, atMs }, i) => {
    const untilMs = changes[i + 2]?.atMs ?? Infinity;
    const about = notices.filter(
      (notice) =>
        notice.isOver === isOver && notice.windowEndedMs > atMs && notice.windowEndedMs <= untilMs,
    );
    return new Set(about.map(({ server }) => server)).size;
  });
  return {
    toldAfterEndMs: notices.map(({ receivedMs, windowEndedMs }) => receivedMs - windowEndedMs),
    missing: changes.length * AGENTS - toldOf.reduce((sum, servers) => sum + servers, 0),
  };
}
