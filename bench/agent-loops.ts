/**
 * Children of `bench agent`: what measuring alone costs, with nothing kept and nothing sent.
 *
 *   agent-loops.ts sampler|bare  base|processes
 *
 * `bare` reads the bytes of the same files and makes nothing of them: the floor under any sampler.
 */
import { openSync, readdirSync, readFileSync, readSync } from 'node:fs';
import { createSampler } from '../agent/metrics/sampler.ts';

const [kind, what] = process.argv.slice(2);
const withProcesses = what === 'processes';
const everyMs = 1_000;
const never = new AbortController().signal;

const tick = kind === 'sampler' ? samplerTick() : bareTick();
setInterval(tick, everyMs);

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
  const buffer = Buffer.alloc(64 * 1024);
  return () => {
    for (const fd of descriptors) readSync(fd, buffer, 0, buffer.length, 0);
    if (withProcesses) readProcesses();
  };
}

function readProcesses(): void {
  for (const name of readdirSync('/proc')) {
    const first = name.charCodeAt(0);
    if (first < 0x30 || first > 0x39) continue;
    for (const file of ['stat', 'io']) {
      try {
        readFileSync(`/proc/${name}/${file}`);
      } catch {
        // It ended meanwhile.
      }
    }
  }
}
