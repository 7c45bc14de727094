/** What came of a run: what the store holds, what the collector says, who was told what. */
import { readFileSync } from 'node:fs';
import type {
  Delivery as Accounting,
  FleetView,
  ServerView,
} from '../../collector/api/contract.ts';
import { openForReading } from '../../collector/store/database.ts';
import {
  storedFleetWindows,
  type StoredFleetWindow,
  type StoredSample,
  storedSamples,
  type StoredWindow,
  storedWindows,
} from '../../collector/store/history.ts';
import { timestampMsMax } from '../../wire/limits.ts';
import { getJson } from '../support/http.ts';
import type { Notified } from './receiver.ts';
import type { Stage } from './stage.ts';

export interface ServerOutcome {
  readonly serverId: string;
  /** Samples that its outbox had taken, by number. */
  readonly noted: readonly number[];
  readonly mayLose: (number: number) => boolean;
  readonly clockStepped: boolean;
  /** Its queue was damaged or in memory alone when the process ended. */
  readonly losable: boolean;
  /** What the collector says of it; undefined when it does not know it. */
  readonly accounting: Accounting | undefined;
  readonly samples: readonly StoredSample[];
  readonly windows: readonly StoredWindow[];
}

export interface Outcome {
  readonly servers: readonly ServerOutcome[];
  readonly fleet: readonly StoredFleetWindow[];
  readonly notified: readonly Notified[];
  /** The collector was killed, or its disk full: it may not know whom it told. */
  readonly collectorForgets: boolean;
  readonly quarantined: number;
  /** Memory at the end, by process. */
  readonly rssBytes: ReadonlyMap<string, number>;
  /** What went wrong with processes. */
  readonly complaints: readonly string[];
  readonly logs: string;
}

/** Of each server by its id, while the collector runs. */
export async function accountingOf(url: string): Promise<Map<string, Accounting>> {
  const { servers } = await getJson<FleetView>(`${url}/api/fleet`);
  const views = servers.map(({ id }) => getJson<ServerView>(`${url}/api/servers/${id}`));
  return new Map((await Promise.all(views)).map((view) => [view.summary.server_id, view.delivery]));
}

/** After the collector has ended. */
export function outcomeOf(
  stage: Stage,
  accounting: ReadonlyMap<string, Accounting>,
): Omit<Outcome, 'rssBytes'> {
  const { collector, agents, receiver } = stage;
  const db = openForReading(collector.dataDir);
  const all = { fromMs: 0, toMs: timestampMsMax };
  const samples = Map.groupBy(storedSamples(db, all), ({ serverId }) => serverId);
  const windows = Map.groupBy(storedWindows(db, all), ({ serverId }) => serverId);
  const fleet = [...storedFleetWindows(db, all)];
  const quarantined = Number(db.prepare('SELECT count(*) AS n FROM quarantine').get()?.['n']);
  db.close();
  return {
    servers: agents.map(({ actor }) => ({
      serverId: actor.serverId,
      noted: actor.noted,
      mayLose: (number) => actor.mayLose(number),
      losable: actor.losable,
      clockStepped: actor.clockStepped,
      accounting: accounting.get(actor.serverId),
      samples: samples.get(actor.serverId) ?? [],
      windows: windows.get(actor.serverId) ?? [],
    })),
    fleet,
    notified: receiver.notified,
    collectorForgets: collector.mayForget,
    quarantined,
    complaints: [
      ...collector.complaints.map((complaint) => `the collector ${complaint}`),
      ...agents.flatMap(({ actor }) =>
        actor.complaints.map((complaint) => `${actor.serverId} ${complaint}`),
      ),
    ],
    logs: logsOf(stage),
  };
}

export function logsOf({ collector, agents }: Stage): string {
  const ofAgents = agents.map(({ actor }) => `===== ${actor.serverId}\n${actor.log}`);
  return [`===== collector\n${collector.log}`, ...ofAgents].join('\n');
}

/** Memory of all processes that run, by name. */
export function memoryOf({ collector, agents }: Stage): Map<string, number> {
  const pids = new Map([
    ['collector', collector.pid],
    ...agents.map(({ actor }) => [actor.serverId, actor.pid] as const),
  ]);
  return new Map([...pids].map(([name, pid]) => [name, rssBytesOf(pid)]));
}

function rssBytesOf(pid: number | undefined): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) * 1024;
}
