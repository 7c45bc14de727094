/** How fast each stage of what was sent or received was, and what it took of the CPU: for a person, and for a program. Pure. */
import type { Done as Received } from '../../blocks/receiving/stages.ts';
import type { Done as Read } from '../../blocks/sending/stages.ts';
import type { StageTime } from '../../runtime/stage-times.ts';

export interface Speeds {
  /** Of SHA-256. */
  readonly engine: string;
  readonly stages: readonly Stage[];
  /** Of the process. */
  readonly cpuMs: number;
}

interface Stage extends StageTime {
  readonly name: string;
  /** As a person reads it. */
  readonly called: string;
  readonly bytes: number;
}

/** @param sent payloads that were taken, the time in which any was on its way, and the CPU of the thread that sends */
export function sendingSpeeds(
  { engine, cpuMs }: Pick<Speeds, 'engine' | 'cpuMs'>,
  { readBytes: bytes, stages: { read, hash, compress } }: Read,
  sent: StageTime & { readonly bytes: number },
): Speeds {
  const stages = [
    { name: 'read', called: 'read', bytes, ...read },
    { name: 'hash', called: `SHA-256 (${engine})`, bytes, ...hash },
    { name: 'compress', called: 'LZ4', bytes, ...compress },
    { name: 'send', called: 'sent', ...sent },
  ];
  return { engine, stages, cpuMs };
}

export function receivingSpeeds(
  { engine, cpuMs }: Pick<Speeds, 'engine' | 'cpuMs'>,
  { rawBytes: bytes, stages: { unpack, write, hash, sync } }: Received,
): Speeds {
  const stages = [
    { name: 'unpack', called: 'unpacked', bytes, ...unpack },
    { name: 'write', called: 'written', bytes, ...write },
    { name: 'hash', called: `SHA-256 (${engine})`, bytes, ...hash },
    { name: 'sync', called: 'synced', bytes, ...sync },
  ];
  return { engine, stages, cpuMs };
}

/** MB/s are by the clock: of one thread, and for `send` of all that was on its way. */
export function speedFacts({ engine, stages, cpuMs }: Speeds): object {
  const facts = stages.flatMap((stage) => [
    [`${stage.name}_mb_per_s`, mbPerSecond(stage)] as const,
    [`${stage.name}_cpu_seconds`, seconds(stage.cpuMs)] as const,
  ]);
  return { engine, ...Object.fromEntries(facts), cpu_seconds: seconds(cpuMs) };
}

/** Two lines. */
export function speedsText({ stages, cpuMs }: Speeds): string {
  const rates = stages.map((stage) => `${stage.called} ${mbPerSecond(stage)}`);
  const cpu = stages.map((stage) => `${stage.called} ${seconds(stage.cpuMs)}`);
  return `MB/s: ${rates.join(', ')}\nCPU seconds: ${cpu.join(', ')}, in all ${seconds(cpuMs)}`;
}

function mbPerSecond({ bytes, ms }: Stage): number {
  return ms === 0 ? 0 : Math.round(bytes / 1e3 / ms);
}

function seconds(ms: number): number {
  return Math.round(ms / 10) / 100;
}
