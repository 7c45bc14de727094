/** Files from one program to another, each a process of its own, and what that took. */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Kafka, logLevel } from 'kafkajs';
import { receiversGroup } from '../wire/transport/kafka/block-use.ts';
import { finished, firstLine, spawnNode } from './programs.ts';

/** The highest RSS is the kernel's own record; this is only to see it before the process ends. */
const lookEveryMs = 50;
const joinedMsMax = 60_000;
const here = (file: string): string => fileURLToPath(new URL(file, import.meta.url));
/** As agent/launch.js has it. An executable has no types in its code: Node's compiler of TypeScript would be 35 MB of what is measured. */
const codeCache = here('../node_modules/.cache/windrow');

export interface Run {
  /** Of files, from the first byte read to the last acknowledgment. */
  readonly mbps: number;
  /** Of payloads: what went over the wire. */
  readonly sentMbps: number;
  readonly senderRssMib: number;
  readonly receiverRssMib: number;
  readonly senderCpuSeconds: number;
}

/** To a collector on loopback. */
export async function sendDirect(folder: string, paths: readonly string[]): Promise<Run> {
  const collector = spawnNode(
    [here('../collector/main.ts'), 'serve', '--port', '0', '--data', join(folder, 'collector')],
    { WINDROW_LOG: 'warn', WINDROW_BLOCKS_QUOTA: '1TiB', NODE_COMPILE_CACHE: codeCache },
  );
  try {
    const url = (await firstLine(collector)).replace(/^ready /, '');
    return await sendTo(url, { folder, paths, receiver: collector });
  } finally {
    await stop(collector);
  }
}

/**
 * Through brokers to a receiver, which reads meanwhile. It is in its group before the sender starts:
 * a broker lets the first member of a group wait for others, which is no part of a transfer.
 */
export async function sendThroughKafka(
  brokers: string,
  folder: string,
  paths: readonly string[],
): Promise<Run> {
  const url = `kafka://${brokers}`;
  const receiver = spawnAgent('receive', ['--from', url, '--out', join(folder, 'out')]);
  receiver.stdout?.resume();
  try {
    await untilJoined(brokers.split(','));
    return await sendTo(url, { folder, paths, receiver });
  } finally {
    await stop(receiver);
  }
}

/** @throws Error when nobody is in the group of receivers in time */
async function untilJoined(brokers: readonly string[]): Promise<void> {
  const admin = new Kafka({ brokers: [...brokers], logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  try {
    for (const startMs = performance.now(); performance.now() - startMs < joinedMsMax; ) {
      // While the broker's coordinator starts it answers with an error.
      const described = await admin.describeGroups([receiversGroup]).catch(() => undefined);
      if (described?.groups[0]?.state === 'Stable') return;
      await pause(lookEveryMs);
    }
    throw new Error('the receiver does not get its share');
  } finally {
    await admin.disconnect();
  }
}

interface Sending {
  readonly folder: string;
  readonly paths: readonly string[];
  readonly receiver: ChildProcess;
}

async function sendTo(url: string, { folder, paths, receiver }: Sending): Promise<Run> {
  const own = ['--to', url, '--data', join(folder, 'agent')];
  const sender = spawnAgent('send', [...paths, ...own]);
  let senderRssMib = 0;
  let receiverRssMib = 0;
  const looking = setInterval(() => {
    senderRssMib = rssMibMax(sender.pid) ?? senderRssMib;
    receiverRssMib = rssMibMax(receiver.pid) ?? receiverRssMib;
  }, lookEveryMs);
  try {
    const lines = (await text(sender.stdout as NodeJS.ReadableStream)).trim().split('\n');
    await finished(sender);
    if (sender.exitCode !== 0) throw new Error(`the sender failed: ${lines.at(-1)}`);
    const summary = JSON.parse(lines.at(-1) ?? '') as Summary;
    return {
      mbps: summary.bytes / 1e6 / summary.seconds,
      sentMbps: summary.sent_bytes / 1e6 / summary.seconds,
      senderRssMib,
      receiverRssMib,
      senderCpuSeconds: summary.cpu_seconds,
    };
  } finally {
    clearInterval(looking);
  }
}

interface Summary {
  readonly bytes: number;
  readonly sent_bytes: number;
  readonly seconds: number;
  readonly cpu_seconds: number;
}

function spawnAgent(verb: string, args: readonly string[]): ChildProcess {
  return spawn(process.execPath, [here('../agent/launch.js'), verb, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}

async function stop(child: ChildProcess): Promise<void> {
  child.kill('SIGTERM');
  await finished(child);
}

/** The most that it ever had. Undefined when it has ended. */
function rssMibMax(pid: number | undefined): number | undefined {
  try {
    const found = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
    return found === null ? undefined : Number(found[1]) / 1_024;
  } catch {
    return undefined;
  }
}
