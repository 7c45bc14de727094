/** Installs a single file as a service of systemd, and takes it away again. Needs root. */
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmdirSync,
  rmSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { renameDurably, writeFileDurably } from '../durable-file.ts';
import { messageOf, WindrowError } from '../errors.ts';
import { isSingleFile, readOwn } from '../program.ts';
import type { Installation } from './installation.ts';
import { withSettingsIn } from './settings-file.ts';
import { unitOf } from './unit.ts';

/** A unit that becomes ready says so; its own time-out is shorter than this. */
const systemctlMsMax = 6 * 60_000;
const everybodyReads = 0o644;
const everybodyRuns = 0o755;
const rootAlone = 0o600;

export interface SystemdService {
  /** `agent`: then the service is windrow-agent, and its settings are in agent.yaml. */
  readonly program: string;
  /** `ownPath` of the unit in config/systemd. */
  readonly unit: string;
  /** `ownPath` of the file with the defaults in config/. */
  readonly defaults: string;
}

export interface Places {
  readonly name: string;
  readonly executable: string;
  readonly unit: string;
  readonly settings: string;
  readonly token: string;
  /** Where the service finds its token. */
  readonly credential: string;
}

type Say = (line: string) => void;

/** What is asked of systemd. @throws WindrowError `refused`, with the hint, when it does not do it */
export type Systemctl = (args: readonly string[], hint?: string) => void;

/** Where a service is installed. */
export interface Machine {
  readonly places: Places;
  readonly systemctl: Systemctl;
}

export function placesOf({ program }: SystemdService): Places {
  const name = `windrow-${program}`;
  return {
    name,
    executable: `/usr/local/bin/${name}`,
    unit: `/etc/systemd/system/${name}.service`,
    settings: `/etc/windrow/${program}.yaml`,
    token: `/etc/windrow/${program}.token`,
    credential: `/run/credentials/${name}.service/token`,
  };
}

/** @throws WindrowError `usage` or `refused` where a service cannot be installed from this program */
export function checkMayInstall(): void {
  if (!isSingleFile) {
    throw new WindrowError('usage', 'only the single file can install itself as a service', {
      hint: 'docs/operations.md says how a clone becomes one.',
    });
  }
  checkMayChange();
}

/** @throws WindrowError `refused` */
export function checkMayChange(): void {
  if (!existsSync('/run/systemd/system')) {
    throw new WindrowError('refused', 'systemd does not run here', {
      hint: 'docs/operations.md says how to start the program by other means.',
    });
  }
  if (process.geteuid?.() !== 0) {
    throw new WindrowError('refused', 'services are for root to change: run it again with sudo');
  }
}

/**
 * Stops the service if it is there, puts `executable` in its place, and starts it: ready when this
 * returns. What is not given stays as it was. When the place cannot be taken or the settings cannot
 * be written, what is installed runs on, or again.
 * @throws WindrowError `refused` when systemd does not do what it is asked
 */
export function installService(
  service: SystemdService,
  machine: Machine,
  executable: string,
  what: Installation,
  say: Say,
): void {
  const { places, systemctl } = machine;
  const { name } = places;
  let isStopped = false;
  const fresh = `${places.executable}.new`;
  try {
    const isNew = writeFresh(executable, places, fresh);
    if (existsSync(places.unit)) {
      isStopped = true;
      // Before the swap: what the old program starts by its path is the old program.
      systemctl(['stop', name]);
      say(`stopped ${name}`);
    }
    if (isNew) {
      // By a rename: what runs cannot be written to, and keeps the file that it was started from.
      renameDurably(fresh, places.executable);
      say(`wrote ${places.executable}`);
    }
    writeAll(service, places, what, say);
    systemctl(['daemon-reload']);
    systemctl(['enable', '--quiet', name]);
  } catch (error) {
    rmSync(fresh, { force: true });
    if (isStopped) startAgain(machine, say);
    throw error;
  }
  systemctl(['start', name], `journalctl --unit=${name} says why.`);
  say(`started ${name}; it starts with the machine`);
}

function startAgain({ places: { name }, systemctl }: Machine, say: Say): void {
  try {
    systemctl(['start', name]);
    say(`started ${name} again`);
  } catch (error) {
    // Why it was stopped is told in the end; this is a line before.
    say(messageOf(error));
  }
}

function writeAll(service: SystemdService, places: Places, what: Installation, say: Say): void {
  makeSettingsFolder(dirname(places.settings));
  if (what.token !== undefined) {
    writeFileDurably(places.token, `${what.token}\n`, rootAlone);
    say(`wrote ${places.token}, for root and the service alone`);
  }
  writeSettings(service, places, what, say);
  const credentials = existsSync(places.token) ? ['token'] : [];
  const unit = unitOf(readOwn(service.unit).toString(), { ...places, credentials });
  writeFileDurably(places.unit, unit, everybodyReads);
  say(`wrote ${places.unit}`);
}

/**
 * @param purge whether its data and settings go too
 * @throws WindrowError `usage` when it is not installed, `refused` when systemd does not do what it is asked
 */
export function uninstallService(service: SystemdService, purge: boolean, say: Say): void {
  const places = placesOf(service);
  const { name } = places;
  if (!existsSync(places.unit)) {
    throw new WindrowError('usage', `${name} is not installed: there is no ${places.unit}`);
  }
  systemctl(['disable', '--quiet', '--now', name]);
  say(`stopped ${name}`);
  rmSync(places.unit);
  systemctl(['daemon-reload']);
  rmSync(places.executable, { force: true });
  say(`removed ${places.unit} and ${places.executable}`);
  if (!purge) return;
  for (const folder of dataFolders(name)) rmSync(folder, { recursive: true, force: true });
  say('removed its data');
  rmSync(`${places.unit}.d`, { recursive: true, force: true });
  for (const path of [places.settings, places.token]) rmSync(path, { force: true });
  const folder = dirname(places.settings);
  if (existsSync(folder) && readdirSync(folder).length === 0) rmdirSync(folder);
  say(`removed ${places.settings}`);
}

/** StateDirectory and CacheDirectory of a unit with a dynamic user, and their links. */
function dataFolders(name: string): string[] {
  return ['/var/lib', '/var/cache'].flatMap((base) => [
    `${base}/${name}`,
    `${base}/private/${name}`,
  ]);
}

/** @returns false when it is installed from its own place */
function writeFresh(from: string, { executable }: Places, fresh: string): boolean {
  if (existsSync(executable) && realpathSync(executable) === realpathSync(from)) return false;
  mkdirSync(dirname(executable), { recursive: true });
  writeFileDurably(fresh, readFileSync(from), everybodyRuns);
  return true;
}

/** The service, which is nobody's user, reads its settings in it. */
function makeSettingsFolder(folder: string): void {
  if (mkdirSync(folder, { recursive: true }) !== undefined) chmodSync(folder, everybodyRuns);
}

function writeSettings(
  service: SystemdService,
  places: Places,
  { settings, token }: Installation,
  say: Say,
): void {
  const isNew = !existsSync(places.settings);
  const before = isNew ? readOwn(service.defaults) : readFileSync(places.settings);
  const credential = token === undefined ? {} : { token_file: places.credential };
  const text = withSettingsIn(before.toString(), { ...settings, ...credential });
  if (!isNew && text === before.toString()) return;
  writeFileDurably(places.settings, text, everybodyReads);
  say(`wrote ${places.settings}`);
}

/** That of this machine. */
export const systemctl: Systemctl = (args, hint) => {
  const options = { encoding: 'utf8', timeout: systemctlMsMax } as const;
  const { status, stderr, error } = spawnSync('systemctl', args, options);
  if (status === 0) return;
  const reason = error?.message ?? stderr.trim().split('\n')[0];
  throw new WindrowError('refused', `systemctl ${args.join(' ')}: ${reason}`, {
    cause: error,
    ...(hint === undefined ? {} : { hint }),
  });
};
