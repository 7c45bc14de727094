import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { ServiceState } from '../addon.ts';
import { temporaryFolder } from '../../../runtime/testing/temporary-folder.ts';
import { accountOf } from './account.ts';
import type { Waits, Windows } from './control.ts';
import { ServiceManager, type WindowsService } from './manager.ts';
import type { Places } from './places.ts';
import { describeState } from './state.ts';

const stopped: ServiceState = { state: 1, pid: 0, error: 0, exitCode: 0 };
const running: ServiceState = { state: 4, pid: 12, error: 0, exitCode: 0 };
const failed: ServiceState = { ...stopped, error: 1066, exitCode: 78 };

const shortWaits: Waits = { changeMsMax: 1_000, endMsMax: 20, watchMs: 10, lookEveryMs: 1 };

function windowsError(number: number): Error {
  return Object.assign(new Error(`error ${number}`), { code: `WIN32_${number}` });
}

/** A service manager in memory; each look at a service that is started sees the next of `started`. */
class FakeWindows implements Windows {
  readonly calls: string[] = [];
  state: ServiceState | undefined;
  started: readonly ServiceState[] = [running];
  /** How often its process is still seen after it has stopped. */
  looksUntilItEnds = 0;
  #coming: ServiceState[] = [];
  isAdministrator = true;
  taken = { described: true, restarts: true, awaited: true };

  mayChangeServices = (): boolean => this.isAdministrator;
  installService(name: string, ...rest: string[]): FakeWindows['taken'] {
    const [, , command, account] = rest;
    this.calls.push(`install ${name} ${command} as ${account || 'the system'}`);
    this.state ??= stopped;
    return this.taken;
  }
  removeService(): void {
    this.#checkRights();
    this.calls.push('remove');
    this.state = undefined;
  }
  startService(): void {
    this.#checkRights();
    this.calls.push('start');
    this.#coming = [...this.started];
  }
  stopService(): void {
    this.#checkRights();
    this.calls.push('stop');
    this.#coming = [stopped];
  }
  serviceStatus(): ServiceState {
    this.state = this.#coming.shift() ?? this.state;
    if (this.state === undefined) throw windowsError(1060);
    return this.state;
  }
  processes(): { pid: number; name: string }[] {
    const others = [{ pid: 4, name: 'System' }];
    this.looksUntilItEnds -= 1;
    if (this.looksUntilItEnds >= 0) return [...others, { pid: running.pid, name: 'windrow' }];
    this.calls.push('its process has ended');
    return others;
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
function scene(
  service: Omit<WindowsService, 'about'> = { program: 'agent', account: 'system' },
  waits = shortWaits,
) {
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
      code: join(path, 'code'),
      log: join(path, 'agent.log'),
    },
  };
  const from = join(root, 'downloaded.exe');
  writeFileSync(from, 'new');
  const windows = new FakeWindows();
  const said: string[] = [];
  const say = (line: string): void => void said.push(line);
  const manager = new ServiceManager(windows, { ...service, about: 'x' }, places, say, waits);
  return { places, from, windows, said, manager, control: manager.control };
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
    expect(windows.calls.slice(0, 4)).toEqual(['folder', own, own, own]);
    expect(windows.calls[5]).toMatch(
      /^install windrow-collector .* as NT SERVICE\\windrow-collector$/,
    );
  });

  it('a newer one takes its place: stopped before, registered as it is now, started after', async () => {
    const { places, from, windows, said, manager } = scene();
    windows.state = running;
    writeFileSync(places.executable, 'old');
    await manager.install(from, () => {});
    expect(windows.calls.filter((call) => !/folder|source/.test(call))).toEqual([
      'stop',
      'its process has ended',
      `install windrow-agent "${places.executable}" "service" "run" "${places.folder.path}" as the system`,
      'start',
    ]);
    expect(said).toContain('updated the service windrow-agent');
    expect(readFileSync(places.executable, 'utf8')).toBe('new');
  });

  it('a newer one that cannot be copied leaves the old one running', async () => {
    const { places, from, windows, manager } = scene();
    windows.state = running;
    writeFileSync(places.executable, 'old');
    await expect(manager.install(`${from} gone`, () => {})).rejects.toMatchObject({
      code: 'refused',
      message: expect.stringMatching(/^could not write .*\.new: ENOENT/) as string,
    });
    expect(windows.calls).toEqual([]);
    expect(readFileSync(places.executable, 'utf8')).toBe('old');
  });

  it.each([
    ['ran runs again', running, ['stop', 'its process has ended', 'start']],
    ['was stopped stays so', stopped, []],
  ])('an update that fails later: what %s', async (_, before, expected) => {
    const { places, from, windows, manager } = scene();
    windows.state = before;
    writeFileSync(places.executable, 'old');
    const configure = (): never => {
      throw new Error('ENOSPC: no space left on device');
    };
    await expect(manager.install(from, configure)).rejects.toMatchObject({
      code: 'refused',
      message: 'could not write its settings: ENOSPC: no space left on device',
    });
    expect(windows.calls.filter((call) => call !== 'folder')).toEqual(expected);
    expect(windows.serviceStatus()).toEqual(before);
  });

  it('an update that cannot take the old one’s place leaves nothing beside it', async () => {
    const { places, from, windows, manager } = scene();
    windows.state = running;
    mkdirSync(join(places.executable, 'in the way'), { recursive: true });
    await expect(manager.install(from, () => {})).rejects.toThrow(
      `could not write ${places.executable}: `,
    );
    expect(existsSync(`${places.executable}.new`)).toBe(false);
    expect(windows.calls).toEqual(['stop', 'its process has ended', 'start']);
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
    const { windows, manager, control } = scene();
    windows.isAdministrator = false;
    windows.state = running;
    expect(() => manager.checkMayChange()).toThrow('services are for administrators to change');
    await expect(control.stop()).rejects.toMatchObject({
      code: 'refused',
      hint: 'Run it again in a window opened with "Run as administrator".',
    });
  });

  it('a service manager that does not answer is no lack of rights', () => {
    const { windows, manager } = scene();
    windows.mayChangeServices = () => {
      throw windowsError(1722);
    };
    expect(() => manager.checkMayChange()).toThrow('could not ask for the services: ');
  });

  it('a service that fails at once is not called running', async () => {
    const { windows, control } = scene();
    windows.state = stopped;
    windows.started = [failed];
    await expect(control.start()).rejects.toThrow('is stopped: it ended with exit code 78');
  });

  it.each([
    ['ends a moment later', [running, failed], 'it is stopped: it ended with exit code 78'],
    ['ends after some looks', [running, running, running, failed], 'it is stopped: it ended'],
    ['is another process by then', [running, { ...running, pid: 13 }], 'it runs (process 13)'],
  ])('nor is one that %s', async (_, started, why) => {
    // It is seen long before.
    const { places, windows, said, control } = scene(undefined, { ...shortWaits, watchMs: 15_000 });
    windows.state = stopped;
    windows.started = started;
    await expect(control.start()).rejects.toMatchObject({
      code: 'refused',
      message: expect.stringContaining(`windrow-agent did not go on: ${why}`) as string,
      hint: expect.stringContaining(places.folder.log) as string,
    });
    expect(said).toEqual([]);
  });

  it('what is not installed is said so by every verb', async () => {
    const { manager, control } = scene();
    const message = 'windrow-agent is not installed';
    await expect(control.start()).rejects.toThrow(message);
    await expect(control.stop()).rejects.toThrow(message);
    await expect(manager.uninstall(true)).rejects.toThrow(message);
    expect(() => control.status()).toThrow(message);
  });

  it('uninstall keeps what waits in its data, and purge takes all', async () => {
    const { places, from, windows, manager } = scene();
    await manager.install(from, () => {});
    await manager.uninstall(false);
    expect(windows.calls.slice(-4)).toEqual([
      'stop',
      'its process has ended',
      'remove',
      'no event source',
    ]);
    expect(existsSync(places.executable)).toBe(false);
    expect(existsSync(places.folder.data)).toBe(true);
    await manager.install(from, () => {});
    await manager.uninstall(true);
    expect(existsSync(places.above)).toBe(false);
  });

  it('uninstall waits until what it removes is nobody’s, but not for ever', async () => {
    const { places, from, windows, manager } = scene(undefined, {
      ...shortWaits,
      endMsMax: 15_000,
    });
    await manager.install(from, () => {});
    windows.looksUntilItEnds = 3;
    await manager.uninstall(true);
    expect(windows.calls.slice(-4, -2)).toEqual(['stop', 'its process has ended']);
    expect(existsSync(places.executable)).toBe(false);

    const hung = scene();
    await hung.manager.install(hung.from, () => {});
    hung.windows.looksUntilItEnds = Infinity;
    await hung.manager.uninstall(true);
    expect(hung.windows.calls.slice(-3)).toEqual(['stop', 'remove', 'no event source']);
  });

  it('an uninstall that could not remove its files is gone on with by the next', async () => {
    const { places, from, windows, manager } = scene();
    await manager.install(from, () => {});
    rmSync(places.executable);
    mkdirSync(places.executable);
    await expect(manager.uninstall(true)).rejects.toMatchObject({
      code: 'refused',
      message: expect.stringContaining(`could not remove ${places.executable}: `) as string,
    });
    expect(windows.state).toBeUndefined();
    expect(existsSync(places.folder.path)).toBe(true);
    rmdirSync(places.executable);
    await manager.uninstall(true);
    expect(existsSync(places.above)).toBe(false);
    await expect(manager.uninstall(true)).rejects.toThrow('is not installed');
  });

  it('what another windrow has beside it is not taken', async () => {
    const { places, from, manager } = scene();
    await manager.install(from, () => {});
    mkdirSync(join(places.above, 'collector'));
    await manager.uninstall(true);
    expect(readdirSync(places.above)).toEqual(['collector']);
  });

  it.each([
    [{ restarts: false }, ['this Windows will not start it again when it fails']],
    [{ awaited: false }, ['this Windows may end it before it has stopped when it shuts down']],
    [{}, []],
  ])('a Windows that takes all but %j says so', async (lacks, expected) => {
    const { from, windows, said, manager } = scene();
    windows.taken = { ...windows.taken, ...lacks };
    await manager.install(from, () => {});
    expect(said.filter((line) => line.startsWith('this Windows'))).toEqual(expected);
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
