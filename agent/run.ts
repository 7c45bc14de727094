/** The agent at work, from its settings to its end. Loads no library that only reads settings. */
import { aborted, signalOfProcess } from '../runtime/lifecycle.ts';
import { createLogger, type Logger } from '../runtime/logging.ts';
import { serviceManager } from '../runtime/service-notify.ts';
import { startAgent } from './app.ts';
import type { AgentConfig } from './config.ts';
import { openSender } from './connect.ts';
import { readInventory } from './metrics/inventory.ts';
import { createSampler, type Sampler } from './metrics/sampler.ts';

/**
 * Resolves when a signal has asked the process to stop and everything has stopped.
 * @throws WindrowError
 */
export async function runAgent(config: AgentConfig): Promise<void> {
  const stopped = signalOfProcess();
  const log = await createLogger('windrow-agent', config.log);
  await runAgentUntil(stopped, config, log);
}

/**
 * Resolves when the signal has aborted and everything has stopped.
 * @throws WindrowError
 */
export async function runAgentUntil(
  stopped: AbortSignal,
  config: AgentConfig,
  log: Logger,
): Promise<void> {
  const service = serviceManager(process.env, log);
  const { sampler, samples } = counted(createSampler({ topProcesses: config['processes.top'] }));
  const sender = await openSender(config, log);
  const agent = startAgent(config, { sampler, readInventory, sender, log });
  await service.ready();
  const watched = service.watch(samples, stopped);
  await aborted(stopped);
  await Promise.all([service.stopping(), agent.stop(), watched]);
}

/** The sampler, and how many samples it has taken: what the watchdog knows the agent's work by. */
function counted(sampler: Sampler): { sampler: Sampler; samples: () => number } {
  let count = 0;
  const sample = (): ReturnType<Sampler['sample']> => {
    count += 1;
    return sampler.sample();
  };
  return { sampler: { ...sampler, sample }, samples: () => count };
}
