/**
 * The real agent around a scripted sampler, as a process of its own. Its one argument is a
 * ScriptedAgent in JSON; its parent steps its clock through the IPC channel, and ends it by closing that.
 */
import { startAgent } from '../../agent/app.ts';
import { AGENT_SPEC } from '../../agent/config.ts';
import { openSender } from '../../agent/connect.ts';
import type { Sampler } from '../../agent/metrics/sampler.ts';
import { loadConfig } from '../../runtime/config/load.ts';
import { aborted, signalOfProcess } from '../../runtime/lifecycle.ts';
import { createLogger } from '../../runtime/logging.ts';
import type { InventoryFacts } from '../../wire/records/inventory.ts';
import { note, sampleNumber, scriptedValues } from './script.ts';

export interface ScriptedAgent {
  readonly to: string;
  readonly serverId: string;
  readonly dataDir: string;
  readonly intervalMs: number;
  /** The how-manieth start of this agent it is. */
  readonly start: number;
  /** Where the samples are noted that the outbox has taken. */
  readonly journal: string;
  /** How far its clock is off. */
  readonly clockOffsetMs: number;
}

export interface ClockStep {
  readonly clockOffsetMs: number;
}

const facts: InventoryFacts = {
  hostname: 'scripted',
  os: '',
  kernel: '',
  arch: '',
  cpu_model: '',
  cpu_cores: 1,
  cpu_physical_cores: 1,
  mem_total: 1,
  disks: [],
  interfaces: [],
};

const script = JSON.parse(process.argv[2] ?? '') as ScriptedAgent;
stepClock(script.clockOffsetMs);
const stopped = signalOfProcess();
const { values } = loadConfig(AGENT_SPEC, {
  program: 'agent',
  flags: { server_id: script.serverId, data: script.dataDir },
  // The transport: direct when nothing else is set, else nothing is sent there.
  env: { ...process.env, WINDROW_TO: script.to },
  cwd: script.dataDir,
  configFlag: undefined,
});
const config = { ...values, interval: script.intervalMs };
const log = await createLogger(script.serverId, 'info');
const agent = startAgent(config, {
  sampler: scripted(),
  // Facts about this machine would cost each of the many starts a second.
  readInventory: () => Promise.resolve(facts),
  sender: await openSender(config, log),
  log,
});
await aborted(stopped);
await agent.stop();
if (process.connected) process.disconnect();

/** The system's clock of this process, and with it all that the agent takes for the time. */
function stepClock(offsetMs: number): void {
  const trueNow = Date.now.bind(Date);
  let clockOffsetMs = offsetMs;
  Date.now = () => trueNow() + clockOffsetMs;
  process.on('message', (step: ClockStep) => {
    clockOffsetMs = step.clockOffsetMs;
  });
}

function scripted(): Sampler {
  let taken = 0;
  // The first reading is the base of rates and no sample; one is in the outbox when the next begins.
  const noteTaken = (): void => {
    if (taken > 1) note(script.journal, sampleNumber(script.start, taken - 1));
  };
  return {
    sample() {
      noteTaken();
      const values = scriptedValues(sampleNumber(script.start, taken));
      taken += 1;
      return values;
    },
    scanProcesses: () => Promise.resolve(),
    close: noteTaken,
  };
}
