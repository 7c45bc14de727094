/**
 * Collectors of one group over a log in memory, each with a real database, and senders that write
 * into that log what agents would. The test uses fake timers: time passes when it says so.
 */
import { DatabaseSync } from 'node:sqlite';
import { vi } from 'vitest';
import { createKeptLog, type LogLine } from '../../../runtime/testing/kept-log.ts';
import { createManualClock, type ManualClock } from '../../../runtime/testing/manual-clock.ts';
import type { BatchHeader } from '../../../wire/records/batch.ts';
import {
  BATCH_HEADER,
  INVENTORY_TOPIC,
  type RawRecord,
  SAMPLES_TOPIC,
} from '../../../wire/records/record.ts';
import { ALERTS_TOPIC } from '../../../wire/records/alert-record.ts';
import { WINDOW_RESULTS_TOPIC } from '../../../wire/records/window-result.ts';
import {
  createMemoryLog,
  type MemoryLog,
  type ProgramLog,
} from '../../../wire/transport/log/memory.ts';
import type { Log, LogProducer } from '../../../wire/transport/log/port.ts';
import { partitionOf } from '../../../wire/transport/log/partition.ts';
import { WIRE_VERSION } from '../../../wire/version.ts';
import { SEED_A_TOPICS } from '../../../wire/compat/seed-a-format.ts';
import { SEED_B_TOPIC } from '../../../wire/compat/seed-b.ts';
import { Delivery } from '../../alerts/delivery.ts';
import { DeliveryStore } from '../../alerts/delivery-store.ts';
import { AlertEngine } from '../../alerts/engine.ts';
import type { Notifier } from '../../alerts/notifiers/port.ts';
import { parseAlerts } from '../../alerts/rules/load.ts';
import { restoreAlerts } from '../../alerts/store.ts';
import { Ingest } from '../../ingest/ingest.ts';
import { Registry } from '../../ingest/registry.ts';
import { restore } from '../../ingest/restore.ts';
import { WINDOWS } from '../../ingest/testing/rig.ts';
import { openForWriting } from '../../store/database.ts';
import { StoreWriter, type WriterOptions } from '../../store/writer.ts';
import { Cluster } from '../cluster.ts';
import { memberFile } from '../member.ts';
import { GROUPING } from '../topics.ts';

export const GROUP = 'windrow';
/** The notifier's name. */
export const LANE = 'ops';
export const notifierTimeoutMs = 3_000;
export const TOPICS = [SAMPLES_TOPIC, INVENTORY_TOPIC, ...SEED_A_TOPICS, SEED_B_TOPIC];

export interface Member {
  readonly name: string;
  readonly db: DatabaseSync;
  readonly registry: Registry;
  readonly ingest: Ingest;
  readonly cluster: Cluster;
  readonly lines: readonly LogLine[];
  readonly engine: AlertEngine;
  readonly delivery: Delivery;
  /** Steps of its own alerts that pages were told of, and of others', as `kind rule server`. */
  readonly alerts: readonly string[];
  readonly others: readonly string[];
  /** Live samples that pages were told of. */
  readonly shown: () => number;
  /** As kill -9: nothing more is stored, published or committed, and the others take over. */
  kill(): void;
  /** In good order. */
  stop(): Promise<void>;
  /** From the log, where it has a `program`; or it stands still, as a stopped process. */
  cutOff(how?: { readonly isStill: boolean }): void;
  /** Whether its disk takes anything, or another program that writes keeps the database locked. */
  storing(works: boolean, how?: { readonly isLocked: boolean }): void;
  /** What it sends it can tell nobody now: it is cut off, or cannot store. */
  readonly recordsNothing: boolean;
  /** As `ProgramLog` has it; it goes on where it stood still. */
  heal(heardAfterMs: number): void;
}

/** A log with the topics of a fleet. */
export interface FleetLog {
  readonly log: MemoryLog;
  readonly clock: ManualClock;
  /** By topic. */
  readonly partitions: Readonly<Record<string, number>>;
}

export function createFleetLog(partitions: Readonly<Record<string, number>> = {}): FleetLog {
  const clock = createManualClock();
  const counts = { ...Object.fromEntries(TOPICS.map((topic) => [topic, 3])), ...partitions };
  const log = createMemoryLog({
    topics: { ...counts, [WINDOW_RESULTS_TOPIC]: 2, [ALERTS_TOPIC]: 2 },
    clock,
  });
  return { log, clock, partitions: counts };
}

export interface MemberOptions {
  readonly fleetLog: FleetLog;
  /** Its ends of that log, where it is to be cut off. */
  readonly program?: ProgramLog | undefined;
  readonly name: string;
  readonly dataDir: string;
  readonly topics?: readonly string[];
  /** Of an alerts file with the one notifier LANE. */
  readonly rules?: string;
  /** What sends; asked for the member, which it may kill. */
  readonly notifier?: (member: () => Member) => Notifier;
  /** Whether the alerts file names the notifier still. */
  readonly hasNotifier?: () => boolean;
  /** Before anything is written into the log; may kill the member. */
  readonly onSend?: (member: Member, topic: string) => void;
  /** The disk; without it a commit is there at once. */
  readonly wal?: WriterOptions['wal'];
}

export function startMember(options: MemberOptions): Member {
  const { fleetLog, name, dataDir, topics = TOPICS } = options;
  const { rules = 'rules: []', notifier = () => ({ send: async () => 'ok' }) } = options;
  const { onSend = () => {}, hasNotifier = () => true, wal, program } = options;
  const alerts: string[] = [];
  const others: string[] = [];
  const { clock } = fleetLog;
  const db = openForWriting(dataDir);
  // Nobody waits in earnest for a lock.
  db.exec('PRAGMA synchronous = OFF; PRAGMA busy_timeout = 0');
  const { log, lines } = createKeptLog();
  const registry = new Registry();
  let shown = 0;
  const nobody = { serverChanged: () => {}, deliveryChanged: () => {}, connectionTest: () => {} };
  const observer = { ...nobody, windowOf: () => {}, sample: () => void (shown += 1) };
  let killed = false;
  let isUnstored = false;
  let lock: DatabaseSync | undefined;
  const unlock = (): void => {
    lock?.close();
    lock = undefined;
  };
  const death = Promise.withResolvers<void>();
  const cluster = new Cluster({
    source: dyingWith(program ?? fleetLog.log, {
      isDead: () => killed,
      onSend: (topic) => onSend(member, topic),
    }),
    group: { group: GROUP, member: name, topics, ...GROUPING },
    memberFile: memberFile(dataDir),
    topics: [],
    db,
    windows: WINDOWS,
    clock,
    log,
  });
  const { fromLog } = cluster;
  const engine: AlertEngine = new AlertEngine(
    {
      clock,
      group: () => writer.group,
      sources: () => registry.all(),
      onChange: (alert) => void alerts.push(`${alert.kind} ${alert.rule} ${alert.server}`),
      hears: () => cluster.isCaughtUp,
      isOwnClockOff: () => ingest.ownClock.offsetMs !== 0,
      share: cluster.share,
      ...WINDOWS,
    },
    { ...restoreAlerts(db, clock.wallMs()), records: [] },
  );
  const parts = { registry, windows: WINDOWS, clock, log, observer, fromLog };
  const ingest = new Ingest({ ...parts, alerts: engine });
  const writer = new StoreWriter({
    db,
    ...(wal === undefined ? {} : { wal }),
    clock,
    log,
    beforeCommit: (group) => ingest.checkpoint(group),
    inCommit: (group, fleet) => {
      for (const { originMs, window } of fleet) if (originMs === 0) engine.fleetWindow(window);
      engine.checkpoint(group);
      cluster.inCommit(group);
    },
    onCommit: () => cluster.committed(),
  });
  ingest.attach(writer);
  restore(db, registry, ingest);
  engine.start(parseAlerts(rules, 'alerts.yaml').rules);
  const gate = cluster.join({
    registry,
    ingest,
    writer,
    observer,
    url: `http://${name}.test`,
    alerting: {
      engine,
      timeoutsMs: () => new Map(hasNotifier() ? [[LANE, notifierTimeoutMs]] : []),
      // Whoever delivers looks often enough by itself, see `pass`.
      onTellable: () => {},
      onOthers: (alert) => void others.push(`${alert.kind} ${alert.rule} ${alert.server}`),
    },
  });
  const delivery = new Delivery({
    name: LANE,
    gate,
    clock,
    log,
    random: () => 0.5,
    notifier: notifier(() => member),
    store: new DeliveryStore(db, gate),
    settings: () => ({ silences: [], groupWaitMs: 0 }),
    observer: { settled: () => {}, delayed: () => {} },
  });
  const member: Member = {
    name,
    db,
    registry,
    ingest,
    cluster,
    engine,
    delivery,
    alerts,
    others,
    lines,
    shown: () => shown,
    kill() {
      killed = true;
      death.resolve();
      db.close();
      unlock();
      fleetLog.log.kill(GROUP, name);
    },
    cutOff({ isStill } = { isStill: false }) {
      if (isStill) still.add(member);
      program?.cutOff(isStill ? Infinity : cutNoticedMs);
    },
    storing(works, { isLocked } = { isLocked: false }) {
      isUnstored = !works;
      unlock();
      if (!db.isOpen) return;
      db.exec(`PRAGMA query_only = ${isUnstored && !isLocked ? 'ON' : 'OFF'}`);
      if (!isUnstored || !isLocked) return;
      lock = new DatabaseSync(db.location() ?? '');
      lock.exec('BEGIN IMMEDIATE');
    },
    get recordsNothing() {
      return isUnstored || program?.isCutOff === true;
    },
    heal(heardAfterMs) {
      still.delete(member);
      program?.heal(heardAfterMs);
    },
    async stop() {
      stopping.add(member);
      while (delivering.has(member)) await vi.advanceTimersByTimeAsync(100);
      const stopped = cluster.leave().then(() => cluster.close());
      await vi.advanceTimersByTimeAsync(5_000);
      // One that is killed meanwhile never gets there.
      await Promise.race([stopped, death.promise]);
      if (killed) return;
      await writer.close();
      db.close();
    },
  };
  return member;
}

interface Dying {
  readonly isDead: () => boolean;
  /** While it lives. */
  readonly onSend: (topic: string) => void;
}

/** What a killed process has not written is not written any more, and it joins no group. */
function dyingWith(log: Log, { isDead, onSend }: Dying): Log {
  const never = new Promise<never>(() => {});
  return {
    ...log,
    producer() {
      const producer = log.producer();
      const send: LogProducer['send'] = (records, signal) => {
        if (!isDead()) onSend(records[0]?.topic ?? '');
        return isDead() ? never : producer.send(records, signal);
      };
      return { ...producer, send };
    },
    consumer(options) {
      const consumer = log.consumer(options);
      return isDead() ? Object.assign(consumer, { run: () => never }) : consumer;
    },
  };
}

/** The fourth heartbeat is asked when the session ends, and waits 5 s for its answer. */
const cutNoticedMs = 15_000;

const delivering = new WeakSet<Member>();
/** What is on its way may arrive; nothing else goes out. */
const stopping = new WeakSet<Member>();
/** Nothing of them runs. */
const still = new WeakSet<Member>();

/** Goes on when all that is due was sent, or the receiver keeps it waiting. */
async function deliver(member: Member): Promise<void> {
  if (delivering.has(member) || still.has(member)) return;
  delivering.add(member);
  const sent = sendDue(member).finally(() => delivering.delete(member));
  await Promise.race([sent, vi.advanceTimersByTimeAsync(0)]);
}

/** As the member's worker would; one that was killed meanwhile does no more. */
async function sendDue(member: Member): Promise<void> {
  const { db, delivery } = member;
  while (db.isOpen && !stopping.has(member) && !still.has(member)) {
    try {
      if ((await delivery.step(never)) > 0) return;
    } catch (error) {
      // One that cannot store tries again later.
      if (db.isOpen && !member.recordsNothing) throw error;
      return;
    }
  }
}

const never = new AbortController().signal;

/** Lets seconds pass for all members. */
export async function pass(seconds: number, clock: ManualClock, members: readonly Member[]) {
  for (let i = 0; i < seconds; i += 1) {
    for (const member of members) {
      const { engine, ingest, cluster, db } = member;
      if (!db.isOpen || still.has(member)) continue;
      engine.tick();
      ingest.tick();
      cluster.tick();
    }
    // In parts, for what waits for one another.
    for (let part = 0; part < 10; part += 1) {
      clock.advance(100);
      await vi.advanceTimersByTimeAsync(100);
      for (const member of members) await deliver(member);
    }
  }
}

/** Writes records as an agent's one send: all with the same header. */
export function send(
  fleetLog: FleetLog,
  records: readonly RawRecord[],
  header: Partial<BatchHeader> = {},
): void {
  const text = JSON.stringify({ v: WIRE_VERSION, sent_at: fleetLog.clock.wallMs(), ...header });
  append(fleetLog, records, new Map([[BATCH_HEADER, Buffer.from(text)]]));
}

/** Writes records as programs do that know nothing of batches. */
export function append(
  { log, clock, partitions }: FleetLog,
  records: readonly RawRecord[],
  headers: ReadonlyMap<string, Buffer> = new Map(),
): void {
  for (const { topic = SAMPLES_TOPIC, value, ...record } of records) {
    const named = value as { server_id?: string; machine_id?: string };
    const key = record.key ?? named.server_id ?? named.machine_id ?? '';
    log.append({
      topic,
      partition: partitionOf(key, partitions[topic] ?? 0),
      key: Buffer.from(key),
      value: Buffer.from(JSON.stringify(value)),
      headers,
      timeMs: record.timeMs ?? clock.wallMs(),
    });
  }
}
