/** What must have come of a run on several collectors. Each violation is a sentence. */
import { openForReading } from '../../../collector/store/database.ts';
import {
  storedFleetWindows,
  type StoredFleetWindow,
  type StoredSample,
  storedSamples,
  type StoredWindow,
  storedWindows,
} from '../../../collector/store/history.ts';
import { timestampMsMax } from '../../../wire/limits.ts';
import type { AgentActor } from '../../chaos/agent-actor.ts';
import type { CollectorActor } from '../../chaos/collector-actor.ts';
import { wrongFleetWindows } from '../../chaos/invariants/fleet.ts';
import { sampleViolations } from '../../chaos/invariants/samples.ts';
import { windowViolations } from '../../chaos/invariants/windows.ts';
import { accountingOf, type ServerOutcome } from '../../chaos/outcome.ts';
import type { Notified } from '../../chaos/receiver.ts';
import { numberOf } from '../../chaos/script.ts';
import { collectorEnv } from '../../chaos/settings.ts';
import { uninterruptedWindows } from '../../chaos/uninterrupted.ts';
import { startCollector } from '../../support/programs.ts';

/** A run that has come to rest. */
export interface Ran {
  readonly beganMs: number;
  readonly agents: readonly AgentActor[];
  readonly collectors: readonly CollectorActor[];
  readonly told: readonly Notified[];
  /** Steps of alerts that were told, and not recorded as told, by a collector that was killed then. */
  readonly mayRepeat: ReadonlySet<string>;
}

/** What one collector has on its disk. */
export interface Store {
  readonly samples: ReadonlyMap<string, readonly StoredSample[]>;
  readonly windows: ReadonlyMap<string, readonly StoredWindow[]>;
  readonly fleet: readonly StoredFleetWindow[];
  /** Of alerts: what began and ended. */
  readonly steps: readonly Step[];
}

/** Of an alert. */
interface Step {
  readonly rule: string;
  readonly server: string;
  readonly status: string;
  readonly startsAtMs: number;
}

export function storeOf(dataDir: string): Store {
  const db = openForReading(dataDir);
  try {
    const all = { fromMs: 0, toMs: timestampMsMax };
    const steps = db
      .prepare("SELECT * FROM alert_transitions WHERE kind IN ('firing', 'resolved')")
      .all();
    return {
      samples: Map.groupBy(storedSamples(db, all), ({ serverId }) => serverId),
      windows: Map.groupBy(storedWindows(db, all), ({ serverId }) => serverId),
      fleet: [...storedFleetWindows(db, all)],
      steps: steps.map((row) => ({
        rule: String(row['rule']),
        server: String(row['server']),
        status: String(row['kind']),
        startsAtMs: Number(row['starts_ms']),
      })),
    };
  } finally {
    db.close();
  }
}

/** @returns what is not as it would be had nothing happened, with every collector that still runs */
export async function violationsOf(run: Ran): Promise<string[]> {
  const stores = run.collectors.map(({ dataDir }) => storeOf(dataDir));
  const servers = run.agents.map((agent) => wholeOf(agent, stores));
  await using collector = await startCollector({ env: collectorEnv });
  const uninterrupted = await uninterruptedWindows(
    collector,
    servers.flatMap(({ samples }) => samples),
  );
  const wrong = servers.flatMap((server) => notStored(server));
  for (const { serverId, complaints } of run.agents) {
    wrong.push(...complaints.map((complaint) => `${serverId} ${complaint}`));
  }
  for (const [i, { url, dataDir, complaints }] of run.collectors.entries()) {
    const named = (what: string): string => `collector ${i + 1}: ${what}`;
    wrong.push(...complaints.map(named));
    // One that has left does not know how it went on.
    if (url === undefined) continue;
    const store = storeOf(dataDir);
    const accounting = await accountingOf(url);
    for (const server of servers) {
      const { serverId } = server;
      const windows = store.windows.get(serverId) ?? [];
      const samples = store.samples.get(serverId) ?? [];
      const own = { ...server, noted: [], samples, accounting: accounting.get(serverId) };
      const ofServer = [
        ...sampleViolations({ ...own, windows }),
        ...windowViolations({ ...own, ...server, windows }, uninterrupted.get(serverId) ?? []),
      ];
      wrong.push(...ofServer.map((what) => named(`${serverId}: ${what}`)));
    }
    wrong.push(...wrongFleetWindows(store.fleet, [...store.windows.values()].flat()).map(named));
  }
  return [...wrong, ...alertViolations(run, stores)];
}

type Whole = Omit<ServerOutcome, 'windows' | 'accounting'>;

/** What an agent has measured, and what all collectors together have stored of it. */
function wholeOf({ serverId, noted }: AgentActor, stores: readonly Store[]): Whole {
  const stored = stores.flatMap(({ samples }) => samples.get(serverId) ?? []);
  // A collector that takes over stores once more what windows that are not final need.
  const once = new Map(stored.map((sample) => [`${sample.bootId} ${sample.seq}`, sample]));
  const nothing = { mayLose: () => false, losable: false, clockStepped: false };
  return { serverId, noted, samples: [...once.values()], ...nothing };
}

function notStored({ serverId, noted, samples }: Whole): string[] {
  const stored = new Set(samples.map(({ values }) => numberOf(values)));
  const missing = noted.filter((number) => !stored.has(number));
  return missing.length === 0 ? [] : [`${serverId}: not stored: ${missing.join(', ')}`];
}

/** Each step of an alert was told once, and in order; again only where nobody could know that it was. */
function alertViolations({ told, agents, mayRepeat, beganMs }: Ran, stores: readonly Store[]) {
  const servers = new Set(agents.map(({ serverId }) => serverId));
  const isOurs = ({ server, startsAtMs }: Step): boolean =>
    servers.has(server) || (server === '' && startsAtMs >= beganMs);
  const judged = new Set(stores.flatMap(({ steps }) => steps.filter(isOurs).map(nameOf)));
  const heard = told.flatMap(({ alerts }) => alerts);
  const names = heard.map(nameOf);
  const wrong: string[] = [];
  for (const name of judged) if (!names.includes(name)) wrong.push(`not told: ${name}`);
  for (const [i, step] of heard.entries()) {
    const name = nameOf(step);
    if (!judged.has(name)) wrong.push(`told, though nobody judged so: ${name}`);
    const isRepeat = names.indexOf(name) < i;
    if (isRepeat && !mayRepeat.has(name)) wrong.push(`told again: ${name}`);
    const before = nameOf({ ...step, status: 'firing' });
    if (!names.slice(0, i + 1).includes(before)) wrong.push(`ended before it began: ${name}`);
  }
  return [...wrong, ...identityViolations(told)];
}

/**
 * Whoever is told the same again must be able to know it: a step of an alert is always of one
 * fingerprint and begin, and one key is always of the same steps, whichever collector sends it.
 */
export function identityViolations(told: readonly Notified[]): string[] {
  const wrong: string[] = [];
  const alerts = new Map<string, string>();
  const keys = new Map<string, string>();
  const steps = new Map<string, string>();
  for (const { key, alerts: heard } of told) {
    for (const step of heard) {
      const name = nameOf(step);
      const first = noted(alerts, name, step.alert);
      if (first !== step.alert) wrong.push(`told as ${step.alert} and as ${first}: ${name}`);
    }
    const all = heard.map(nameOf).sort().join(', ');
    const firstKey = noted(keys, all, key);
    if (firstKey !== key) wrong.push(`told with key ${key} and with ${firstKey}: ${all}`);
    const firstSteps = noted(steps, key, all);
    if (firstSteps !== all) wrong.push(`key ${key} is of ${all} and of ${firstSteps}`);
  }
  return wrong;
}

/** @returns what was noted first under this name */
function noted(notes: Map<string, string>, name: string, what: string): string {
  const first = notes.get(name) ?? what;
  notes.set(name, first);
  return first;
}

/** Of a step: the same whoever tells it. */
export function nameOf({ rule, server, status, startsAtMs }: Step): string {
  return `${rule} ${server} ${startsAtMs} ${status}`;
}
