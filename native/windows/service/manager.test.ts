import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { ManagerFunctions, ServiceState } from '../addon.ts';
import { temporaryFolder } from '../../../runtime/testing/temporary-folder.ts';
import { accountOf } from './account.ts';
import { describeState, ServiceManager, type WindowsService } from './manager.ts';
import type { Places } from './places.ts';

const stopped: ServiceState = { state: 1, pid: 0, error: 0, exitCode: 0 };
const running: ServiceState = { state: 4, pid: 12, error: 0, exitCode: 0 };

function windowsError(number: number): Error {
  return Object.assign(new Error(`error ${number}`), { code: `WIN32_${number}` });
}

/** A service manager in memory; a service that is started becomes `started`. */
class FakeWindows implements ManagerFunctions {
  readonly calls: string[] = [];
  state: ServiceState | undefined;
  started = running;
  isAdministrator = true;
  restarts = true;

  mayChangeServices = (): boolean => this.isAdministrator;
  installService(name: string, ...rest: string[]): { described: boolean; restarts: boolean } {
    const [, , command, account] = rest;
    this.calls.push(`install ${name} ${command} as ${account || 'the system'}`);
    this.state = stopped;
    return { described: true, restarts: this.restarts };
  }
  removeService(): void {
    this.#checkRights();
    this.calls.push('remove');
    this.state = undefined;
  }
  startService(): void {
    this.#checkRights();
    this.calls.push('start');
    this.state = this.started;
  }
  stopService(): void {
    this.#checkRights();
    this.calls.push('stop');
    this.state = stopped;
  }
  serviceStatus(): ServiceState {
    if (this.state === undefined) throw windowsError(1060);
    return this.state;
  }
  addEventSource = (): void => void this.calls.push('event source');
  removeEventSource = (): void => void this.calls.push('no event source');
  makePrivateFolder(path: string, sid: string): void {
    if (existsSync(join(path, 'planted'))) throw windowsError(1307);
    this.calls.push(sid === '' ? 'folder' : `folder of ${sid}`);
    mkdirSync(path, { recursive: true });
  }
  #checkRights(): void {
    if (!this.isAdministrator) throw windowsError(5);
  }
}

/** Paths of Linux: what is done with them is the same. */
function scene(service: Omit<WindowsService, 'about'> = { program: 'agent', account: 'system' }) {
  const root = temporaryFolder();
  const path = join(root, 'state/agent');
  const places: Places = {
    executable: join(root, 'windrow-agent.exe'),
    above: join(root, 'state'),
    folder: {
      path,
      settings: join(path, 'agent.yaml'),
      token: join(path, 'token'),
      data: join(path, 'data'),
      log: join(path, 'agent.log'),
    },
  };
  const from = join(root, 'downloaded.exe');
  writeFileSync(from, 'new');
  const windows = new FakeWindows();
  const said: string[] = [];
  const manager = new ServiceManager(windows, { ...service, about: 'x' }, places, (line) =>
    said.push(line),
  );
  return { places, from, windows, said, manager };
}

describe('ServiceManager', () => {
  it('installs from its own place, quoted, with its folder before its settings, and starts it', async () => {
    const { places, from, windows, manager } = scene();
    await manager.install(from, () => writeFileSync(places.folder.settings, 'to: x'));
    const command = `"${places.executable}" "service" "run" "${places.folder.path}"`;
    expect(windows.calls).toEqual([
      'folder',
      'folder',
      'folder',
      'event source',
      `install windrow-agent ${command} as the system`,
      'start',
    ]);
    expect(readFileSync(places.executable, 'utf8')).toBe('new');
    expect(readFileSync(places.folder.settings, 'utf8')).toBe('to: x');
  });

  it('one with an account of its own is that, and may use its folder but not the one above', async () => {
    const { from, windows, manager } = scene({ program: 'collector', account: 'own' });
    await manager.install(from, () => {});
    const { sid } = accountOf('windrow-collector');
    const own = `folder of ${sid}`;
    expect(windows.calls.slice(0, 3)).toEqual(['folder', own, own]);
    expect(windows.calls[4]).toMatch(
      /^install windrow-collector .* as NT SERVICE\\windrow-collector$/,
    );
  });

  it('a newer one takes its place: stopped before, installed once, started after', async () => {
    const { places, from, windows, manager } = scene();
    windows.state = running;
    writeFileSync(places.executable, 'old');
    await manager.install(from, () => {});
    expect(windows.calls.filter((call) => !/folder|source/.test(call))).toEqual(['stop', 'start']);
    expect(readFileSync(places.executable, 'utf8')).toBe('new');
  });

  it('a folder that somebody else has prepared is refused before anything secret is in it', async () => {
    const { places, from, manager } = scene();
    mkdirSync(places.above, { recursive: true });
    writeFileSync(join(places.above, 'planted'), '');
    const configure = (): never => {
      throw new Error('too late');
    };
    await expect(manager.install(from, configure)).rejects.toMatchObject({
      code: 'refused',
      message: expect.stringContaining('it is there, of somebody else') as string,
    });
  });

  it('without administrator rights there is one clear sentence', async () => {
    const { windows, manager } = scene();
    windows.isAdministrator = false;
    windows.state = running;
    expect(() => manager.checkMayChange()).toThrow('services are for administrators to change');
    await expect(manager.stop()).rejects.toMatchObject({
      code: 'refused',
      hint: 'Run it again in a window opened with "Run as administrator".',
    });
  });

  it('a service that fails at once is not called running', async () => {
    const { windows, manager } = scene();
    windows.state = stopped;
    windows.started = { ...stopped, error: 1066, exitCode: 78 };
    await expect(manager.start()).rejects.toThrow('is stopped: it ended with exit code 78');
  });

  it('what is not installed is said so by every verb', async () => {
    const { manager } = scene();
    const message = 'windrow-agent is not installed';
    await expect(manager.start()).rejects.toThrow(message);
    await expect(manager.stop()).rejects.toThrow(message);
    await expect(manager.uninstall(true)).rejects.toThrow(message);
    expect(() => manager.status()).toThrow(message);
  });

  it('uninstall keeps what waits in its data, and purge takes all', async () => {
    const { places, from, windows, manager } = scene();
    await manager.install(from, () => {});
    await manager.uninstall(false);
    expect(windows.calls.slice(-3)).toEqual(['stop', 'remove', 'no event source']);
    expect(existsSync(places.executable)).toBe(false);
    expect(existsSync(places.folder.data)).toBe(true);
    await manager.install(from, () => {});
    await manager.uninstall(true);
    expect(existsSync(places.above)).toBe(false);
  });

  it('what another windrow has beside it is not taken', async () => {
    const { places, from, manager } = scene();
    await manager.install(from, () => {});
    mkdirSync(join(places.above, 'collector'));
    await manager.uninstall(true);
    expect(readdirSync(places.above)).toEqual(['collector']);
  });

  it('a Windows that cannot restart it says so', async () => {
    const { from, windows, said, manager } = scene();
    windows.restarts = false;
    await manager.install(from, () => {});
    expect(said).toContain('this Windows will not start it again when it fails');
  });
});

describe('describeState', () => {
  it.each([
    [running, 'runs (process 12)'],
    [{ ...stopped, state: 3 }, 'is starting or stopping'],
    [{ ...stopped, error: 1067 }, 'is stopped: it crashed (1067)'],
    [{ ...stopped, error: 1053 }, 'is stopped (1053)'],
  ])('%j %s', (state, words) => {
    expect(describeState(state)).toBe(words);
  });
});
