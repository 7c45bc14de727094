/** A day that an agent measured while its collector was away: an outbox as the agent leaves it. */
import { setTimeout as pause } from 'node:timers/promises';
import { createSampler } from '../agent/metrics/sampler.ts';
import { DurableOutbox } from '../agent/outbox/durable.ts';
import { outboxPath } from '../agent/outbox/place.ts';
import { systemClock } from '../runtime/clock.ts';
import { createLogger } from '../runtime/logging.ts';
import { recordLine } from '../wire/records/batch.ts';
import type { Measurements } from '../wire/records/sample.ts';
import { SAMPLES_TOPIC } from '../wire/records/record.ts';
import { WIRE_VERSION } from '../wire/version.ts';

export const SERVER_ID = 'bench';
export const DAY_SAMPLES = 86_400;
export const DAY_BOOT = 'bench-day';
export const intervalMs = 1_000;
/** As the agent's defaults have it. */
export const outboxBytesMax = 256 * 1024 * 1024;
const processesEvery = 5;
/** A server's, where the machine of the bench may have two cores and one disk. */
const coresMin = 12;
const devicesMin = 4;

/** What the samples of one process look like, without and with processes. */
export interface Shape {
  readonly base: Measurements;
  readonly withProcesses: Measurements;
}

export interface Day {
  /** Times of the first sample, and one interval after the last. */
  readonly fromMs: number;
  readonly toMs: number;
  readonly lineBytesMean: number;
}

/** As the sampler measures it here, on a machine with more cores and devices. */
export async function shapeOfSamples(): Promise<Shape> {
  const sampler = createSampler();
  const signal = new AbortController().signal;
  sampler.sample();
  await sampler.scanProcesses(signal);
  await pause(intervalMs);
  const base = enlarged(sampler.sample());
  await sampler.scanProcesses(signal);
  const { processes } = sampler.sample();
  sampler.close();
  return { base, withProcesses: { ...base, processes } };
}

function enlarged(sample: Measurements): Measurements {
  return {
    ...sample,
    cores: repeated(sample.cores, coresMin),
    nets: repeated(sample.nets, devicesMin),
    disks: repeated(sample.disks, devicesMin),
    fs: repeated(sample.fs, devicesMin),
  };
}

function repeated<T>(rows: readonly T[] | undefined, countMin: number): T[] | undefined {
  if (rows === undefined || rows.length === 0) return undefined;
  const times = Math.ceil(countMin / rows.length);
  return Array.from({ length: times }, () => rows).flat();
}

export function lineOf(shape: Shape, { bootId, seq, ts }: Identity): string {
  const measured = seq % processesEvery === 0 ? shape.withProcesses : shape.base;
  const value = {
    v: WIRE_VERSION,
    server_id: SERVER_ID,
    ts,
    boot_id: bootId,
    seq,
    interval_ms: intervalMs,
    ...(varied(measured) as object),
  };
  return recordLine({ topic: SAMPLES_TOPIC, value });
}

interface Identity {
  readonly bootId: string;
  readonly seq: number;
  readonly ts: number;
}

/** Every number up to a fifth less, so that no two samples compress to nothing. */
function varied(value: unknown): unknown {
  if (typeof value === 'number') {
    const less = value * (1 - Math.random() / 5);
    return Number.isInteger(value) ? Math.floor(less) : Math.round(less * 100) / 100;
  }
  if (Array.isArray(value)) return value.map(varied);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, varied(each)]));
}

/** Fills the outbox of a data folder with a day that ends now. @throws when not all of it fits */
export async function fillDay(dataDir: string, shape: Shape): Promise<Day> {
  const toMs = Date.now();
  const fromMs = toMs - DAY_SAMPLES * intervalMs;
  const outbox = new DurableOutbox({
    path: outboxPath(dataDir),
    bytesMax: outboxBytesMax,
    bootId: DAY_BOOT,
    clock: systemClock,
    log: await createLogger('bench', 'warn'),
  });
  let bytes = 0;
  for (let seq = 0; seq < DAY_SAMPLES; seq += 1) {
    const ts = fromMs + seq * intervalMs;
    const line = lineOf(shape, { bootId: DAY_BOOT, seq, ts });
    bytes += line.length;
    outbox.add({ line, atMs: ts, seq });
  }
  const { size, dropped } = outbox;
  await outbox.close();
  if (size !== DAY_SAMPLES) throw new Error(`${dropped} of a day's samples have no room`);
  return { fromMs, toMs, lineBytesMean: bytes / DAY_SAMPLES };
}
