/** The alert engine over a real store and a clock that stands still, fed with made-up windows. */
import type { DatabaseSync } from 'node:sqlite';
import { onTestFinished } from 'vitest';
import { createKeptLog } from '../../../runtime/testing/kept-log.ts';
import { createManualClock, type ManualClock } from '../../../runtime/testing/manual-clock.ts';
import { temporaryFolder } from '../../../runtime/testing/temporary-folder.ts';
import { METRICS, type MetricName } from '../../../wire/metrics.ts';
import { Source } from '../../ingest/source.ts';
import { openForWriting } from '../../store/database.ts';
import { StoreWriter } from '../../store/writer.ts';
import type { Aggregate, ServerWindow } from '../../windows/window.ts';
import type { Alert, AlertNotice, Transition } from '../alert.ts';
import { AlertEngine } from '../engine.ts';
import { parseAlerts } from '../rules/load.ts';
import { restoreAlerts, storedTransitions } from '../store.ts';

export const windowMs = 30_000;
export const slideMs = 10_000;

export interface EngineRig {
  readonly db: DatabaseSync;
  readonly clock: ManualClock;
  readonly engine: AlertEngine;
  /** What pages were told, as `kind rule server`. */
  readonly told: readonly string[];
  /** A live server, heard now. */
  source(name: string, changes?: Partial<Source>): Source;
  /** A window of the source that ends now, or so much earlier, is stored and judged. */
  window(source: Source, values: Values, agoMs?: number): void;
  /** The fleet's window that ends then is made with the next commit. */
  due(endMs: number): void;
  /** Reads other rules. */
  reload(rules: string): void;
  commit(): void;
  /** Steps that are in the store, as `kind rule server: reason`. */
  stored(): string[];
  transitions(): Transition[];
  /** Notices that wait in the store. */
  notices(): (AlertNotice & { readonly lane: string })[];
  /** Whether the collector takes in what is sent, from now on. */
  hear(isHearing: boolean): void;
  /** Whether it is the collector's own clock that is wrong, from now on. */
  setOwnClockOff(isOff: boolean): void;
  /** Ends as kill -9 would: what was not committed is gone. */
  crash(): void;
}

export type Values = Readonly<Partial<Record<MetricName, number>>>;

export function startEngine(
  rules: string,
  dataDir = temporaryFolder(),
  clock = createManualClock(),
): EngineRig {
  const db = openForWriting(dataDir);
  // These tests pull no power cord.
  db.exec('PRAGMA synchronous = OFF');
  onTestFinished(() => {
    if (db.isOpen) db.close();
  });
  const told: string[] = [];
  const onChange = ({ kind, rule, server }: Alert): void =>
    void told.push(`${kind} ${rule} ${server}`);
  const known: Source[] = [];
  const sources = () => known;
  const group = () => writer.group;
  let hears = true;
  let isOwnClockOff = false;
  const engine: AlertEngine = new AlertEngine(
    {
      clock,
      group,
      sources,
      onChange,
      windowMs,
      latenessMs: 5_000,
      hears: () => hears,
      isOwnClockOff: () => isOwnClockOff,
    },
    restoreAlerts(db, clock.wallMs()),
  );
  const writer = new StoreWriter({
    db,
    clock,
    log: createKeptLog().log,
    beforeCommit: () => {},
    inCommit: (waiting, fleet) => {
      for (const { window } of fleet) engine.fleetWindow(window);
      engine.checkpoint(waiting);
    },
    onCommit: () => {},
  });
  engine.start(parseAlerts(rules, 'alerts.yaml').rules);
  const transitions = (): Transition[] => [
    ...storedTransitions(db, { fromMs: 0, toMs: Number.MAX_SAFE_INTEGER }),
  ];
  return {
    db,
    clock,
    engine,
    told,
    source(name, changes = {}) {
      const identity = { sourceNo: known.length + 1, serverId: name, replayId: '', originMs: 0 };
      const source = new Source({ ...identity, ...changes });
      known.push(source);
      source.lastSeenMs = clock.wallMs();
      source.lastSeenMonotonicMs = clock.monotonicMs();
      writer.group.sources.set(source.sourceNo, {
        ...identity,
        replayId: source.replayId,
        lastSeenMs: source.lastSeenMs,
        state: JSON.stringify({ clockOffsetMs: changes.clockOffsetMs ?? null }),
      });
      return Object.assign(source, changes);
    },
    window(source, values, agoMs = 0) {
      const window = madeWindow(source, clock.wallMs() - agoMs, values);
      writer.group.windows.push({ window, skewed: source.skewed });
      engine.window(source, window);
    },
    due: (endMs) =>
      void writer.group.fleetDue.push({ originMs: 0, startMs: endMs - windowMs, endMs }),
    reload: (text) => engine.setRules(parseAlerts(text, 'alerts.yaml').rules),
    commit: () => void writer.close(),
    transitions,
    stored: () =>
      transitions().map(({ kind, rule, server, reason }) => `${kind} ${rule} ${server}: ${reason}`),
    notices: () =>
      db
        .prepare('SELECT lane, body FROM queue_items ORDER BY id')
        .all()
        .map(({ lane, body }) =>
          Object.assign(JSON.parse(String(body)) as AlertNotice, { lane: String(lane) }),
        ),
    hear(isHearing) {
      hears = isHearing;
    },
    setOwnClockOff(isOff) {
      isOwnClockOff = isOff;
    },
    crash: () => db.close(),
  };
}

/** A window at each slide with these values of the CPU. */
export function feed(rig: EngineRig, source: Source, values: readonly number[]): void {
  for (const cpu of values) {
    rig.clock.advance(slideMs);
    rig.window(source, { cpu_pct: cpu });
  }
}

/** The collector's tick, each second. */
export function pass(rig: EngineRig, seconds: number): void {
  for (let i = 0; i < seconds; i += 1) {
    rig.clock.advance(1_000);
    rig.engine.tick();
  }
}

export function hear(rig: EngineRig, source: Source): void {
  source.lastSeenMs = rig.clock.wallMs();
  source.lastSeenMonotonicMs = rig.clock.monotonicMs();
}

function madeWindow({ sourceNo }: Source, endMs: number, values: Values): ServerWindow {
  return {
    source: sourceNo,
    startMs: endMs - windowMs,
    endMs,
    samples: 30,
    aggregates: METRICS.map((metric) => steady(values[metric])),
    final: true,
    incomplete: false,
    warmUp: false,
  };
}

function steady(value: number | undefined): Aggregate | null {
  if (value === undefined) return null;
  const figures = { min: value, max: value, avg: value, last: value };
  return { count: 30, sum: value * 30, ...figures, p50: value, p95: value, p99: value };
}
