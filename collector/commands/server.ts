import { Command } from 'commander';
import { settingsOf, withSettings } from '../../runtime/config/flags.ts';
import { systemClock } from '../../runtime/clock.ts';
import { WindrowError } from '../../runtime/errors.ts';
import { isFolderLocked, lockFolder } from '../../runtime/folder-lock.ts';
import { conditionOf } from '../api/figures.ts';
import { stateOf } from '../api/present.ts';
import { restoreOwners } from '../cluster/results/restore.ts';
import { COLLECTOR_SPEC } from '../config.ts';
import { decommissionStored, Registry } from '../ingest/registry.ts';
import type { Source } from '../ingest/source.ts';
import { askRunning } from '../local-client.ts';
import { readRunning, type Running } from '../running.ts';
import { collectorFolder, openForWriting } from '../store/database.ts';
import { storedResult } from '../store/results.ts';
import { nearest } from './nearest.ts';
import { openStore } from './open-store.ts';
import { writeOutput } from './output.ts';

/** Names that an error offers. */
const offeredMax = 3;

export function serverCommand(): Command {
  return new Command('server')
    .description('list the servers that the collector knows, or take one off the lists')
    .addCommand(listCommand())
    .addCommand(removeCommand());
}

function listCommand(): Command {
  const command = withSettings(new Command('list'), COLLECTOR_SPEC, ['data'])
    .description('name, state, when last heard, and how its samples came')
    .action(async () => {
      const { values } = settingsOf(command, COLLECTOR_SPEC, 'collector');
      await writeOutput(tableOf(storedServers(values.data), systemClock.wallMs()), undefined);
    });
  return command;
}

function removeCommand(): Command {
  const command = withSettings(new Command('rm'), COLLECTOR_SPEC, ['data'])
    .description('decommission a server: off the page, fleet windows and alerts; its history stays')
    .argument('<name>', 'as `server list` shows it')
    .action(async (name: string) => {
      const { values } = settingsOf(command, COLLECTOR_SPEC, 'collector');
      const server = named(name, storedServers(values.data));
      const isRunning = isFolderLocked(collectorFolder(values.data));
      const running = isRunning ? readRunning(values.data) : undefined;
      if (running === undefined) decommissionInFolder(values.data, server);
      else await decommissionByRunning(values.data, running, server);
      process.stdout.write(`${name} is decommissioned; its history stays until retention\n`);
      if (stateOf(server, systemClock.wallMs()) === 'up') {
        process.stderr.write(
          `note: ${name} was heard within the last 2 minutes; when it sends again it is a server again: stop its agent\n`,
        );
      }
    });
  return command;
}

function named(name: string, servers: readonly Source[]): Source {
  const found = servers.find(({ serverId }) => serverId === name);
  if (found !== undefined) return found;
  const names = servers.map(({ serverId }) => serverId);
  const near = nearest(name, names).slice(0, offeredMax);
  throw new WindrowError('input', `no server is named ${JSON.stringify(name)}`, {
    hint:
      near.length > 0
        ? `The nearest names: ${near.join(', ')}.`
        : 'No server has reported to this data folder: check --data (data).',
  });
}

async function decommissionByRunning(
  dataDir: string,
  running: Running,
  { sourceNo, serverId }: Source,
): Promise<void> {
  const request = { method: 'DELETE', path: `/api/servers/${sourceNo}` } as const;
  const { status, body } = await askRunning(dataDir, running, request);
  if (status === 204) return;
  throw new WindrowError(
    'refused',
    `the collector did not decommission ${serverId}: it answered ${status} ${body.trim()}`,
    { hint: 'Its log tells more.' },
  );
}

/** @throws WindrowError where others know the server: only a collector that runs can tell them */
function decommissionInFolder(dataDir: string, { sourceNo, serverId }: Source): void {
  const release = lockFolder(collectorFolder(dataDir), 'collector');
  try {
    const db = openForWriting(dataDir);
    try {
      if (storedResult(db, serverId, '') !== undefined) throw notHeard(serverId);
      decommissionStored(db, sourceNo);
    } finally {
      db.close();
    }
  } finally {
    release();
  }
}

function notHeard(serverId: string): WindrowError {
  return new WindrowError(
    'refused',
    `other collectors know ${serverId} too, and while none runs here they do not hear of it`,
    { hint: 'Start this collector first, or do it where another one of the fleet runs.' },
  );
}

/** Live servers as of the last commit, by name. */
function storedServers(dataDir: string): Source[] {
  const db = openStore(dataDir);
  try {
    const registry = new Registry();
    registry.restore(db);
    restoreOwners(db, registry, systemClock.wallMs());
    return [...registry.all()]
      .filter((source) => !source.replayed)
      .sort((one, other) => (one.serverId < other.serverId ? -1 : 1));
  } finally {
    db.close();
  }
}

const COLUMNS = ['NAME', 'STATE', 'LAST SEEN', 'RECEIVED', 'LATE', 'DUPLICATE', 'LOST'] as const;
/** Where collectors share a fleet: whose the server is. */
const ownerColumn = 'COLLECTOR';
/** Numbers stand right. */
const numberColumns = new Set<string>(COLUMNS.slice(3));

function* tableOf(servers: readonly Source[], nowMs: number): Generator<string> {
  const isShared = servers.some(({ isOurs }) => !isOurs);
  const columns: readonly string[] = isShared ? [...COLUMNS, ownerColumn] : COLUMNS;
  const rows = servers.map((server) => rowOf(server, nowMs).slice(0, columns.length));
  const lines = [columns, ...rows];
  const widths = columns.map((_, i) =>
    lines.reduce((width, row) => Math.max(width, row[i]?.length ?? 0), 0),
  );
  for (const row of lines) {
    const cells = row.map((cell, i) =>
      numberColumns.has(columns[i] ?? '')
        ? cell.padStart(widths[i] ?? 0)
        : cell.padEnd(widths[i] ?? 0),
    );
    yield `${cells.join('  ').trimEnd()}\n`;
  }
}

/** Samples are counted where they come. */
function rowOf(server: Source, nowMs: number): string[] {
  const { serverId, lastSeenMs, delivery, isOurs, owner } = server;
  const { received, late, duplicates, lost } = delivery;
  const seen = lastSeenMs === 0 ? 'never' : new Date(lastSeenMs).toISOString();
  const counts = [received, late, duplicates, lost].map((count) => (isOurs ? `${count}` : '-'));
  return [serverId, conditionOf(server, nowMs), seen, ...counts, owner?.url ?? 'this one'];
}
