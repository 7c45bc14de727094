import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../testing/temporary-folder.ts';
import { installService, type Places } from './systemd.ts';

const config = join(import.meta.dirname, '../../config');
const service = {
  program: 'agent',
  unit: join(config, 'systemd/windrow-agent.service'),
  defaults: join(config, 'agent.yaml'),
};

/** A machine in a folder, whose systemd does what it is asked but for `refuses`. */
function scene({ refuses = '' } = {}) {
  const root = temporaryFolder();
  const places: Places = {
    name: 'windrow-agent',
    executable: join(root, 'bin/windrow-agent'),
    unit: join(root, 'windrow-agent.service'),
    settings: join(root, 'etc/agent.yaml'),
    token: join(root, 'etc/agent.token'),
    credential: '/run/token',
  };
  mkdirSync(join(root, 'bin'));
  writeFileSync(places.executable, 'old');
  writeFileSync(places.unit, 'old unit');
  const from = join(root, 'downloaded');
  writeFileSync(from, 'new');
  const calls: string[] = [];
  const systemctl = (args: readonly string[]): void => {
    const verb = args[0] ?? '';
    const fresh = existsSync(`${places.executable}.new`) ? ', the new one beside it' : '';
    calls.push(`${verb}: ${readFileSync(places.executable, 'utf8')}${fresh}`);
    if (verb === refuses) throw new Error(`${verb} refused`);
  };
  const install = (executable = from): void =>
    installService(
      service,
      { places, systemctl },
      executable,
      { settings: {}, token: 't' },
      () => {},
    );
  return { places, calls, install };
}

it('an update is beside the old one before that stops, and takes its place before the start', () => {
  const { calls, install, places } = scene();
  install();
  expect(calls).toEqual([
    'stop: old, the new one beside it',
    'daemon-reload: new',
    'enable: new',
    'start: new',
  ]);
  expect(readFileSync(places.token, 'utf8')).toBe('t\n');
});

it('one that cannot be copied leaves the old one running', () => {
  const { calls, install } = scene();
  expect(() => install('/not there')).toThrow('ENOENT');
  expect(calls).toEqual([]);
});

it('one that fails after the stop starts what is installed again', () => {
  const { calls, install, places } = scene();
  mkdirSync(places.token, { recursive: true });
  expect(install).toThrow('EISDIR');
  expect(calls).toEqual(['stop: old, the new one beside it', 'start: new']);
});

it('one that systemd does not stop leaves nothing beside the old one', () => {
  const { calls, install, places } = scene({ refuses: 'stop' });
  expect(install).toThrow('stop refused');
  expect(calls).toEqual(['stop: old, the new one beside it', 'start: old']);
  expect(existsSync(`${places.executable}.new`)).toBe(false);
});

it('why it failed is told, also when what is installed does not start again', () => {
  const { install, places } = scene({ refuses: 'start' });
  mkdirSync(places.token, { recursive: true });
  expect(install).toThrow('EISDIR');
});
