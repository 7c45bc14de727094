import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { noonMs } from '../../runtime/testing/manual-clock.ts';
import { temporaryFolder } from '../../runtime/testing/temporary-folder.ts';
import { collectorFolder } from '../store/database.ts';
import { AccessFiles, sessionMsMax } from './access-files.ts';

const hourMs = 60 * 60 * 1000;

it('a token made by another process counts at once in a collector that runs', () => {
  const dataDir = temporaryFolder();
  const running = new AccessFiles(dataDir);
  expect(running.isToken('guess')).toBe(false);
  const first = new AccessFiles(dataDir).createToken('pc-1', noonMs);
  expect(running.isToken(first)).toBe(true);
  const second = new AccessFiles(dataDir).createToken('pc-2', noonMs);
  expect([running.isToken(first), running.isToken(second)]).toEqual([true, true]);
  expect(running.tokenCount()).toBe(2);
  expect([running.isToken(''), running.isToken(`${first}x`)]).toEqual([false, false]);
});

it('a token whose entry was removed from the file counts no more', () => {
  const dataDir = temporaryFolder();
  const running = new AccessFiles(dataDir);
  const token = running.createToken('pc', noonMs);
  expect(running.isToken(token)).toBe(true);
  writeFileSync(join(collectorFolder(dataDir), 'tokens.json'), '[]');
  expect(running.isToken(token)).toBe(false);
});

it('no secret is written to disk, and no other user can read what is', () => {
  const dataDir = temporaryFolder();
  const files = new AccessFiles(dataDir);
  const secrets = [files.createToken('pc', noonMs), files.createLink(noonMs)];
  secrets.push(files.createSession(noonMs));
  const folder = collectorFolder(dataDir);
  const names = readdirSync(folder, { recursive: true }).map(String);
  for (const name of names) {
    const path = join(folder, name);
    expect(statSync(path).mode & 0o077, name).toBe(0);
    const text = statSync(path).isFile() ? readFileSync(path, 'utf8') : '';
    for (const secret of secrets) expect(name + text).not.toContain(secret);
  }
  expect(names.length).toBe(4);
});

it('damaged files are told with their path and what to do', () => {
  const dataDir = temporaryFolder();
  const files = new AccessFiles(dataDir);
  files.createToken('pc', noonMs);
  const path = join(collectorFolder(dataDir), 'tokens.json');
  writeFileSync(path, '[{"name":');
  expect(() => files.isToken('x')).toThrow(
    expect.objectContaining({
      code: 'input',
      message: expect.stringContaining(`${path} is damaged`),
      hint: expect.stringContaining('token create'),
    }),
  );
});

it('a link opens the page once', () => {
  const files = new AccessFiles(temporaryFolder());
  const link = files.createLink(noonMs);
  expect(files.useLink(`${link}x`, noonMs)).toBe(false);
  expect(files.useLink(link, noonMs)).toBe(true);
  expect(files.useLink(link, noonMs)).toBe(false);
});

it('a link is good for an hour, and one that is too old is used up all the same', () => {
  const files = new AccessFiles(temporaryFolder());
  const [young, old] = [files.createLink(noonMs), files.createLink(noonMs)];
  expect(files.useLink(young, noonMs + hourMs - 1)).toBe(true);
  expect(files.useLink(old, noonMs + hourMs)).toBe(false);
  expect(files.useLink(old, noonMs)).toBe(false);
});

it('links that nobody used do not pile up, nor do half-written ones', () => {
  const dataDir = temporaryFolder();
  const files = new AccessFiles(dataDir);
  files.createLink(noonMs);
  const folder = join(collectorFolder(dataDir), 'links');
  writeFileSync(join(folder, 'abc.tmp'), '');
  const link = files.createLink(noonMs + hourMs + 1);
  expect(readdirSync(folder).length).toBe(1);
  expect(files.useLink(link, noonMs + hourMs + 1)).toBe(true);
});

it('a code that names another path reaches nothing outside the folder of links', () => {
  const dataDir = temporaryFolder();
  const files = new AccessFiles(dataDir);
  files.createLink(noonMs);
  writeFileSync(join(dataDir, 'victim'), String(noonMs * 2));
  expect(files.useLink('../../victim', noonMs)).toBe(false);
  expect(readFileSync(join(dataDir, 'victim'), 'utf8')).toBe(String(noonMs * 2));
});

it('a session lasts 30 days, over restarts of the collector, and no longer', () => {
  const dataDir = temporaryFolder();
  mkdirSync(collectorFolder(dataDir), { recursive: true });
  const session = new AccessFiles(dataDir).createSession(noonMs);
  const restarted = new AccessFiles(dataDir);
  expect(restarted.isSession(session, noonMs + sessionMsMax - 1)).toBe(true);
  expect(restarted.isSession(session, noonMs + sessionMsMax)).toBe(false);
  expect(restarted.isSession('guess', noonMs)).toBe(false);
});

it('sessions are bounded: the oldest browser makes room for the newest', () => {
  const dataDir = temporaryFolder();
  const folder = collectorFolder(dataDir);
  mkdirSync(folder, { recursive: true });
  const old = new AccessFiles(dataDir).createSession(noonMs);
  const others = Array.from({ length: 999 }, (_, i) => ({
    sha256: `${i}`,
    until_ms: noonMs + sessionMsMax,
  }));
  const path = join(folder, 'sessions.json');
  const [first] = JSON.parse(readFileSync(path, 'utf8')) as unknown[];
  writeFileSync(path, JSON.stringify([first, ...others]));

  const files = new AccessFiles(dataDir);
  expect(files.isSession(old, noonMs)).toBe(true);
  const newest = files.createSession(noonMs);
  expect([files.isSession(old, noonMs), files.isSession(newest, noonMs)]).toEqual([false, true]);
  expect((JSON.parse(readFileSync(path, 'utf8')) as unknown[]).length).toBe(1_000);
});
