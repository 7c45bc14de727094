/** The agent's composition root: sampler → outbox → shipper. It opens no port. */
import { randomUUID } from 'node:crypto';
import { systemClock } from '../runtime/clock.ts';
import { messageOf } from '../runtime/errors.ts';
import { lockFolder } from '../runtime/folder-lock.ts';
import { Lifecycle, pause } from '../runtime/lifecycle.ts';
import type { Logger } from '../runtime/logging.ts';
import { VERSION } from '../runtime/version.ts';
import { recordLine } from '../wire/records/batch.ts';
import { INVENTORY_TOPIC, SAMPLES_TOPIC } from '../wire/records/record.ts';
import type { InventoryFacts } from '../wire/records/inventory.ts';
import type { BatchSender } from '../wire/transport/port.ts';
import { WIRE_VERSION } from '../wire/version.ts';
import type { AgentConfig } from './config.ts';
import type { Sampler } from './metrics/sampler.ts';
import { DurableOutbox } from './outbox/durable.ts';
import { outboxFolder, outboxPath } from './outbox/place.ts';
import type { Outbox } from './outbox/port.ts';
import { Shipper } from './shipping/shipper.ts';
import { everyTick } from './ticker.ts';

const inventoryEveryMs = 60 * 60 * 1000;
/** At the end what waits has this long to reach the collector, and then the goodbye as long again. */
const farewellMsMax = 1_000;
/** A goodbye that did not arrive is said again after this: without it somebody is woken by a silent machine. */
const goodbyeRetryMs = 100;

export interface Agent {
  stop(): Promise<void>;
}

export interface AgentParts {
  readonly sampler: Sampler;
  /** What rarely changes about the machine. */
  readonly readInventory: (options: { signal: AbortSignal }) => Promise<InventoryFacts>;
  /** The agent closes it when it stops. */
  readonly sender: BatchSender;
  readonly log: Logger;
}

interface Running {
  readonly config: AgentConfig;
  readonly log: Logger;
  readonly sampler: Sampler;
  readonly readInventory: AgentParts['readInventory'];
  readonly outbox: Outbox;
  readonly shipper: Shipper;
  readonly bootId: string;
}

/**
 * Starts sampling and shipping.
 * @throws WindrowError `store_unavailable` when another agent runs on the data folder
 */
export function startAgent(config: AgentConfig, parts: AgentParts): Agent {
  const { sampler, readInventory, sender, log } = parts;
  const lifecycle = new Lifecycle(log);
  const bootId = randomUUID();
  lifecycle.onStop('folder lock', lockFolder(outboxFolder(config.data), 'agent'));
  lifecycle.onStop('connection', () => sender.close());
  const outbox = new DurableOutbox({
    path: outboxPath(config.data),
    bytesMax: config['outbox.size'],
    bootId,
    clock: systemClock,
    log,
  });
  lifecycle.onStop('outbox', () => outbox.close());
  const shipper = new Shipper({
    outbox,
    sender,
    identity: { serverId: config.server_id, bootId },
    receiver: config.transport === 'kafka' ? 'Kafka' : 'the collector',
    clock: systemClock,
    random: Math.random,
    log,
  });
  const running: Running = { config, log, sampler, readInventory, outbox, shipper, bootId };

  lifecycle.onStop('farewell', () => sayGoodbye(running));
  const shipping = new AbortController();
  const shipped = shipper.run(shipping.signal);
  lifecycle.onStop('shipper', async () => {
    shipping.abort();
    await shipped;
  });
  lifecycle.onStop('sampler', () => sampler.close());
  const sampling = new AbortController();
  const loops = [
    sampleEveryTick(running, sampling.signal),
    scanProcesses(running, sampling.signal),
    sendInventory(running, sampling.signal),
  ];
  lifecycle.onStop('sampling', async () => {
    sampling.abort();
    await Promise.all(loops);
  });
  const to = config.transport === 'kafka' ? config.brokers.join(',') : config.to;
  log.info({ server_id: config.server_id, to, waiting: outbox.size }, 'agent samples');
  return { stop: () => lifecycle.stop() };
}

async function sampleEveryTick(running: Running, signal: AbortSignal): Promise<void> {
  const { config, sampler, outbox, shipper, bootId } = running;
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
    outbox.add({ line: recordLine({ topic: SAMPLES_TOPIC, value }), atMs: ts, seq });
    seq += 1;
    shipper.notify();
  });
}

async function scanProcesses(running: Running, signal: AbortSignal): Promise<void> {
  const { config, sampler, log } = running;
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

async function sendInventory(running: Running, signal: AbortSignal): Promise<void> {
  const { config, log, readInventory, outbox, shipper, bootId } = running;
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
      outbox.add({ line: recordLine({ topic: INVENTORY_TOPIC, value }), atMs: ts, seq: null });
      shipper.notify();
    } catch (error) {
      if (!signal.aborted) log.warn({ error: messageOf(error) }, 'no inventory this time');
    }
    await pause(inventoryEveryMs, signal);
  }
}

/**
 * Sends what waits and then a goodbye, so that the collector knows this machine is off on purpose.
 * The goodbye comes last: a sample behind it would say that the machine is up. What was not sent
 * waits in the outbox for the next start.
 */
async function sayGoodbye({ config, log, outbox, shipper, bootId }: Running): Promise<void> {
  await failureOf(shipper.flush(AbortSignal.timeout(farewellMsMax)));
  const ts = systemClock.wallMs();
  const { server_id } = config;
  const value = { v: WIRE_VERSION, kind: 'goodbye', server_id, boot_id: bootId, ts };
  outbox.add({ line: recordLine({ topic: SAMPLES_TOPIC, value }), atMs: ts, seq: null });
  const farewell = AbortSignal.timeout(farewellMsMax);
  while ((await failureOf(shipper.flushLive(farewell))) !== undefined) {
    await pause(goodbyeRetryMs, farewell);
  }
  const waiting = outbox.size;
  if (waiting > 0) log.warn({ waiting }, 'what was not sent waits for the next start');
}

function failureOf(work: Promise<void>): Promise<unknown> {
  return work.then(
    () => undefined,
    (error: unknown) => error,
  );
}
