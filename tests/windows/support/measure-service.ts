/** Installs hostile-service.ts as a service, starts it, stops it, and prints what the service manager saw, in JSON. */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type ServiceState, windowsAddon } from '../../../native/windows/addon.ts';
import { commandLineOf } from '../../../native/windows/service/command-line.ts';

const STOPPED = 1;
const lookEveryMs = 5;
const settleMsMax = 30_000;
const [how = ''] = process.argv.slice(2);
const name = `windrow ${how}`;
const script = fileURLToPath(new URL('./hostile-service.ts', import.meta.url));
const addon = windowsAddon();

addon.installService(name, name, name, commandLineOf([process.execPath, script, how, name]), '');
const startedMs = performance.now();
addon.startService(name);
const [running, runningMs] = settled(startedMs, ({ state }) => state === 4 || state === STOPPED);
let answered: ServiceState | undefined;
const stoppedMs = performance.now();
if (how === 'hangs') {
  addon.stopService(name);
  answered = addon.serviceStatus(name);
}
const answerMs = performance.now() - stoppedMs;
const [ended, endedMs] = settled(stoppedMs, ({ state }) => state === STOPPED);
addon.removeService(name);
const file = `C:\\${name}.json`;
const answers: unknown = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : undefined;
const seen = { running, runningMs, answered, answerMs, ended, endedMs, answers };
process.stdout.write(JSON.stringify(seen));

function settled(sinceMs: number, is: (state: ServiceState) => boolean): [ServiceState, number] {
  const pause = new Int32Array(new SharedArrayBuffer(4));
  for (;;) {
    const state = addon.serviceStatus(name);
    const tookMs = performance.now() - sinceMs;
    if (is(state) || tookMs > settleMsMax) return [state, tookMs];
    Atomics.wait(pause, 0, 0, lookEveryMs);
  }
}
