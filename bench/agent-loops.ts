/**
 * Children of `bench agent`: what measuring alone costs, with nothing kept and nothing sent.
 *
 *   agent-loops.ts sampler|bare  base|processes
 *
 * `bare` reads the bytes of the same files and makes nothing of them: the floor under a sampler that
 * reads them all. Ours, which reads less of a process that sleeps, may come out below it.
 */
import { closeSync, openSync, readdirSync, readSync } from 'node:fs';
import { createSampler } from '../agent/metrics/sampler.ts';
import { everyTick } from '../agent/ticker.ts';

const [kind, what] = process.argv.slice(2);
const withProcesses = what === 'processes';
const everyMs = 1_000;
const never = new AbortController().signal;
const buffer = Buffer.alloc(64 * 1024);

interface Kept {
  readonly stat: number;
  readonly io: number;
  round: number;
}

/** Reads the two files of each process, every descriptor kept for as long as its process lives. */
class BareProcesses {
  readonly #kept = new Map<string, Kept>();
  #round = 0;

  read(): void {
    this.#round += 1;
    for (const name of readdirSync('/proc')) {
      const first = name.charCodeAt(0);
      if (first >= 0x30 && first <= 0x39) this.#readOne(name);
    }
    this.#kept.forEach((kept, name) => {
      if (kept.round !== this.#round) this.#forget(name, kept);
    });
  }

  #readOne(name: string): void {
    const known = this.#kept.get(name);
    try {
      this.#readThrough(known ?? this.#open(name));
    } catch {
      // It ended. Its pid may be another's by now.
      const kept = this.#kept.get(name);
      if (kept !== undefined) this.#forget(name, kept);
      if (known !== undefined) this.#readOne(name);
    }
  }

  #readThrough(kept: Kept): void {
    kept.round = this.#round;
    readSync(kept.stat, buffer, 0, buffer.length, 0);
    readSync(kept.io, buffer, 0, buffer.length, 0);
  }

  #open(name: string): Kept {
    const stat = openSync(`/proc/${name}/stat`, 'r');
    const kept = { stat, io: openSync(`/proc/${name}/io`, 'r'), round: this.#round };
    this.#kept.set(name, kept);
    return kept;
  }

  #forget(name: string, { stat, io }: Kept): void {
    this.#kept.delete(name);
    closeSync(stat);
    closeSync(io);
  }
}

const tick = kind === 'sampler' ? samplerTick() : bareTick();
await everyTick(everyMs, never, tick);

function samplerTick(): () => void {
  const sampler = createSampler();
  return () => {
    sampler.sample();
    if (withProcesses) void sampler.scanProcesses(never);
  };
}

function bareTick(): () => void {
  const names = ['stat', 'meminfo', 'loadavg', 'uptime', 'net/dev', 'diskstats'];
  const descriptors = names.map((name) => openSync(`/proc/${name}`, 'r'));
  const processes = new BareProcesses();
  return () => {
    for (const fd of descriptors) readSync(fd, buffer, 0, buffer.length, 0);
    if (withProcesses) processes.read();
  };
}
