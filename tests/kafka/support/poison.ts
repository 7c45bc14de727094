/** Records that no reader of a topic can take, and what is said of each. */
import type { Message } from 'kafkajs';
import { expect } from 'vitest';
import { inventory as inventoryOf } from '../../../collector/ingest/testing/records.ts';
import { SEED_B_TOPIC } from '../../../wire/compat/seed-b.ts';
import { type AlertRecordOnWire, ALERTS_TOPIC } from '../../../wire/records/alert-record.ts';
import type { Inventory } from '../../../wire/records/inventory.ts';
import { BATCH_HEADER, INVENTORY_TOPIC, SAMPLES_TOPIC } from '../../../wire/records/record.ts';
import { WINDOW_RESULTS_TOPIC, type WindowResult } from '../../../wire/records/window-result.ts';

const megabyte = 1_000_000;
/** The largest piece of poison goes in. */
export const poisonBytesMax = 20 * megabyte;
/** No topic has as many partitions: it is no slot of the collector that reads it. */
const elsewhereSlot = 99;
const huge = `"${'x'.repeat(10 * megabyte)}"`;

export interface Poisoned {
  readonly topic: string;
  /** Whether its newest record of each key stays. */
  readonly isCompacted: boolean;
  readonly poison: readonly (Message & { readonly reason: unknown })[];
  /** Comes behind it, in the same partition. */
  readonly good: Message;
}

/** @param nowMs all that is good is of this time */
export function poisonedTopics(nowMs: number): Poisoned[] {
  return [
    samples(nowMs),
    inventory(nowMs),
    seedA(nowMs),
    seedB(nowMs),
    windowResults(nowMs),
    alerts(nowMs),
  ];
}

/** Of the server `pc`. */
export function sampleMessage(nowMs: number, changes: object = {}): Message {
  const good = { v: 1, server_id: 'pc', ts: nowMs, boot_id: 'boot', seq: 0, cpu_pct: 1 };
  return { key: 'pc', value: JSON.stringify({ ...good, ...changes }) };
}

function samples(nowMs: number): Poisoned {
  const good = sampleMessage(nowMs);
  const headers = { [BATCH_HEADER]: '{"v":9,"sent_at":1}' };
  const ofBatch = 'a batch of version 9 of the wire, this program knows 1: update it';
  return {
    topic: SAMPLES_TOPIC,
    isCompacted: false,
    poison: [
      ...ofAgents(good, 'ts'),
      { ...sampleMessage(nowMs, { cpu_pct: [1] }), reason: containing('cpu_pct') },
      { ...sampleMessage(nowMs, { v: 9 }), reason: containing('sample v') },
      { ...good, headers, reason: ofBatch },
    ],
    good,
  };
}

function inventory(nowMs: number): Poisoned {
  const { value } = inventoryOf('told');
  const good = messageOf('told', { ...(value as Inventory), ts: nowMs });
  return {
    topic: INVENTORY_TOPIC,
    isCompacted: false,
    poison: [
      ...ofAgents(good, 'ts'),
      { ...changed(good, { facts: [] }), reason: containing('facts') },
      { ...changed(good, { v: 9 }), reason: containing('inventory v') },
    ],
    good,
  };
}

/** One of its four topics; they are read alike. */
function seedA(nowMs: number): Poisoned {
  const time = new Date(nowMs).toISOString().slice(11, 19);
  const measured = { timestamp: time, original_ts: time, server_id: 'server_1', cpu_pct: 2 };
  const good = messageOf(measured.server_id, measured);
  return {
    topic: 'topic-cpu',
    isCompacted: false,
    poison: [
      ...ofAgents(good, 'original_ts'),
      { ...changed(good, { cpu_pct: [2] }), reason: containing('cpu_pct') },
    ],
    good,
  };
}

/** Its producers send without keys. */
function seedB(nowMs: number): Poisoned {
  const machine = { machine_id: 'machine_46', timestamp: nowMs / 1_000 };
  const good = { value: JSON.stringify({ ...machine, cpu_usage: 3, memory_usage: 40 }) };
  return {
    topic: SEED_B_TOPIC,
    isCompacted: false,
    poison: [
      ...ofAnySender(good, 'timestamp'),
      { ...changed(good, { machine_id: 46 }), reason: containing('machine_id') },
    ],
    good,
  };
}

/** Whatever their records are. @param field a time */
function ofAgents(good: Message, field: string): Poisoned['poison'] {
  const unnamed = { ...good, key: '', reason: 'no key: it must be the server_id' };
  return [...ofAnySender(good, field), unnamed];
}

function ofAnySender(good: Message, field: string): Poisoned['poison'] {
  return [
    { ...good, value: 'not JSON', reason: 'not JSON' },
    { ...changed(good, { [field]: 'noon' }), reason: containing(field) },
    { ...good, value: huge, reason: 'longer than 262144 bytes' },
    { ...good, value: null, reason: 'tombstone: it has no value' },
  ];
}

/** Of a server that another collector has, as is the alert. */
function windowResults(nowMs: number): Poisoned {
  const endMs = Math.floor(nowMs / 10_000) * 10_000;
  const startMs = endMs - 30_000;
  const figures = { count: 3, sum: 6, min: 1, max: 3, avg: 2, last: 3, p50: 2, p95: 3, p99: 3 };
  const result: WindowResult = {
    v: 1,
    server_id: 'elsewhere',
    origin_ms: 0,
    start_ms: startMs,
    end_ms: endMs,
    samples: 3,
    final: true,
    incomplete: false,
    warm_up: false,
    skewed: false,
    metrics: { cpu_pct: figures },
    closed_through_ms: endMs,
    first_pane_ms: startMs,
    state: 'up',
    clock_offset_ms: null,
    last_seen_ms: nowMs,
    slot: elsewhereSlot,
    owner: { id: 'two', run: 'run', url: 'http://two:7861', server_no: 1 },
  };
  const good = messageOf(result.server_id, result);
  return {
    topic: WINDOW_RESULTS_TOPIC,
    isCompacted: true,
    poison: [
      { ...good, value: 'not JSON', reason: containing('window result: ') },
      { ...changed(good, { samples: 'three' }), reason: containing('samples') },
      { ...good, value: huge, reason: 'window result: longer than 16384 bytes' },
      { ...good, key: '', reason: 'window result: the key is empty' },
      // Of a server it would say that nothing is kept of it any longer.
      { key: '\t', value: null, reason: 'window result: the key is no server’s' },
      { ...changed(good, { v: 9 }), reason: containing('window result: v: ') },
    ],
    good,
  };
}

function alerts(nowMs: number): Poisoned {
  const alert: AlertRecordOnWire = {
    v: 1,
    rule: 'busy',
    server: 'elsewhere',
    slot: elsewhereSlot,
    id: '0123456789abcdef',
    starts_ms: nowMs,
    kind: 'firing',
    severity: 'critical',
    at_ms: nowMs,
    reason: 'cpu_pct.avg 99',
    fired_ms: nowMs,
    ended_ms: null,
    processes: null,
    steps: [],
    active: {
      phase: 'firing',
      last_ms: nowMs,
      clear_since_ms: null,
      about: 'It is busy.',
      labels: {},
      notify: [],
    },
    notices: [],
    released: false,
    owner: { id: 'two', url: 'http://two:7861', term: nowMs },
  };
  const good = messageOf(`${alert.rule}|${alert.server}`, alert);
  const ofKey = 'alert: the key is not RULE|SERVER';
  return {
    topic: ALERTS_TOPIC,
    isCompacted: true,
    poison: [
      { ...good, value: 'not JSON', reason: containing('alert: ') },
      { ...changed(good, { starts_ms: 'noon' }), reason: containing('starts_ms') },
      { ...good, value: huge, reason: 'alert: longer than 524288 bytes' },
      { ...good, key: '', reason: ofKey },
      { key: 'elsewhere', value: null, reason: ofKey },
      { ...changed(good, { v: 9 }), reason: containing('alert: v: ') },
    ],
    good,
  };
}

function messageOf(key: string, value: object): Message {
  return { key, value: JSON.stringify(value) };
}

function changed({ value, ...message }: Message, changes: object): Message {
  const before = JSON.parse(String(value)) as object;
  return { ...message, value: JSON.stringify({ ...before, ...changes }) };
}

function containing(text: string): unknown {
  return expect.stringContaining(text);
}
