/** Measures on a thread of its own, for calibrate.ts. */
import { parentPort, workerData } from 'node:worker_threads';
import { systemClock } from '../../runtime/clock.ts';
import { measureRates } from './measure.ts';

async function measure(): Promise<void> {
  // Threads have only their wall clock in common. If that jumps, less is measured, or a little more.
  const forMs = Number(workerData) - systemClock.wallMs();
  parentPort?.postMessage(await measureRates({ clock: systemClock, cpuMs, forMs }));
}

function cpuMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}

void measure();
