/** The agent's composition root: sampler → outbox → shipper. It opens no port. */
import { randomUUID } from 'node:crypto';
import { systemClock } from '../runtime/clock.ts';
import { messageOf } from '../runtime/errors.ts';
import { Lifecycle, pause } from '../runtime/lifecycle.ts';
import type { Logger } from '../runtime/logging.ts';
import { VERSION } from '../runtime/version.ts';
import { INVENTORY_TOPIC, SAMPLES_TOPIC } from '../wire/records/record.ts';
import type { BatchSender } from '../wire/transport/port.ts';
import { WIRE_VERSION } from '../wire/version.ts';
import type { AgentConfig } from './config.ts';
import { readInventory } from './metrics/inventory.ts';
import { createSampler, type Sampler } from './metrics/sampler.ts';
import { createMemoryOutbox } from './outbox/memory.ts';
import type { Outbox } from './outbox/port.ts';
import { Shipper } from './shipper.ts';
import { everyTick } from './ticker.ts';

const inventoryEveryMs = 60 * 60 * 1000;
/** What still waits at the end has this long to reach the collector. */
const farewellMsMax = 2_000;

export interface Agent {
  stop(): Promise<void>;
}

interface Parts {
  readonly config: AgentConfig;
  readonly log: Logger;
  readonly sampler: Sampler;
  readonly outbox: Outbox;
  readonly shipper: Shipper;
  readonly bootId: string;
}

/** Starts sampling and shipping to `sender`, which the agent closes when it stops. */
export function startAgent(config: AgentConfig, sender: BatchSender, log: Logger): Agent {
  const lifecycle = new Lifecycle(log);
  const bootId = randomUUID();
  const outbox = createMemoryOutbox(config['buffer.samples']);
  const identity = { serverId: config.server_id, bootId };
  const shipper = new Shipper({
    outbox,
    sender,
    identity,
    clock: systemClock,
    random: Math.random,
    log,
  });
  const sampler = createSampler({ topProcesses: config['processes.top'] });
  const parts: Parts = { config, log, sampler, outbox, shipper, bootId };

  lifecycle.onStop('connection', () => sender.close());
  lifecycle.onStop('farewell', () => sayGoodbye(parts));
  const shipping = new AbortController();
  const shipped = shipper.run(shipping.signal);
  lifecycle.onStop('shipper', async () => {
    shipping.abort();
    await shipped;
  });
  lifecycle.onStop('sampler', () => sampler.close());
  const sampling = new AbortController();
  const loops = [
    sampleEveryTick(parts, sampling.signal),
    scanProcesses(parts, sampling.signal),
    sendInventory(parts, sampling.signal),
  ];
  lifecycle.onStop('sampling', async () => {
    sampling.abort();
    await Promise.all(loops);
  });
  log.info({ server_id: config.server_id, to: config.to }, 'agent samples');
  return { stop: () => lifecycle.stop() };
}

async function sampleEveryTick(parts: Parts, signal: AbortSignal): Promise<void> {
  const { config, sampler, outbox, shipper, bootId } = parts;
  let seq = 0;
  // Rates need two readings: the first one is only the base of the second.
  sampler.sample();
  await everyTick(config.interval, signal, () => {
    const ts = systemClock.wallMs();
    const value = {
      v: WIRE_VERSION,
      server_id: config.server_id,
      ts,
      boot_id: bootId,
      seq,
      interval_ms: config.interval,
      ...sampler.sample(),
    };
    outbox.add({ record: { topic: SAMPLES_TOPIC, value }, tsMs: ts, seq });
    seq += 1;
    shipper.notify();
  });
}

async function scanProcesses(parts: Parts, signal: AbortSignal): Promise<void> {
  const { config, sampler, log } = parts;
  const scan = async (): Promise<void> => {
    try {
      await sampler.scanProcesses(signal);
    } catch (error) {
      if (!signal.aborted) log.warn({ error: messageOf(error) }, 'processes could not be scanned');
    }
  };
  await scan();
  // The second scan, with the first rates, comes soon: a page that was just opened shows processes.
  await pause(config.interval, signal);
  await scan();
  await everyTick(config['processes.interval'], signal, scan);
}

async function sendInventory(parts: Parts, signal: AbortSignal): Promise<void> {
  const { config, log, outbox, shipper, bootId } = parts;
  while (!signal.aborted) {
    try {
      const facts = await readInventory({ signal });
      const ts = systemClock.wallMs();
      const value = {
        v: WIRE_VERSION,
        server_id: config.server_id,
        ts,
        boot_id: bootId,
        agent_version: VERSION,
        facts,
      };
      outbox.add({ record: { topic: INVENTORY_TOPIC, value }, tsMs: ts });
      shipper.notify();
    } catch (error) {
      if (!signal.aborted) log.warn({ error: messageOf(error) }, 'no inventory this time');
    }
    await pause(inventoryEveryMs, signal);
  }
}

/** Sends what waits and a goodbye, so that the collector knows this machine is off on purpose. */
async function sayGoodbye({ config, log, outbox, shipper, bootId }: Parts): Promise<void> {
  const ts = systemClock.wallMs();
  const value = {
    v: WIRE_VERSION,
    kind: 'goodbye',
    server_id: config.server_id,
    boot_id: bootId,
    ts,
  };
  outbox.add({ record: { topic: SAMPLES_TOPIC, value }, tsMs: ts });
  try {
    await shipper.flush(AbortSignal.timeout(farewellMsMax));
  } catch (error) {
    log.warn({ error: messageOf(error), waiting: outbox.size }, 'the last samples were not sent');
  }
}
