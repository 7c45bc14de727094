import {
  chmodSync,
  lstatSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { extractedTo, extractionFolders, extractionHint } from './extracted.ts';
import { temporaryFolder } from './testing/temporary-folder.ts';

const bytes = Buffer.from('code');
const name = `${createHash('sha256').update(bytes).digest('hex')}.node`;

function contentIn(folder: string): string {
  using file = extractedTo(folder, bytes);
  return readFileSync(file.path, 'utf8');
}

describe('extractedTo', () => {
  it('makes a file for this user alone, once', () => {
    const folder = join(temporaryFolder(), 'a', 'b');
    expect(contentIn(folder)).toBe('code');
    const before = statSync(join(folder, name));
    expect(contentIn(folder)).toBe('code');
    expect(statSync(join(folder, name)).ino).toBe(before.ino);
    expect([statSync(folder).mode & 0o777, before.mode & 0o777]).toEqual([0o700, 0o600]);
    expect(readdirSync(folder)).toEqual([name]);
  });

  it('a planted file with the right name is not loaded but replaced', () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, name), 'evil', { mode: 0o600 });
    expect(contentIn(folder)).toBe('code');
    expect(readFileSync(join(folder, name), 'utf8')).toBe('code');
  });

  it('a file that others may write is replaced, though its content is right now', () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, name), 'code');
    chmodSync(join(folder, name), 0o666);
    expect(contentIn(folder)).toBe('code');
    expect(statSync(join(folder, name)).mode & 0o777).toBe(0o600);
  });

  it('a link is not followed, and what it leads to stays as it was', () => {
    const folder = temporaryFolder();
    const elsewhere = join(temporaryFolder(), 'elsewhere');
    writeFileSync(elsewhere, 'code', { mode: 0o600 });
    symlinkSync(elsewhere, join(folder, name));
    expect(contentIn(folder)).toBe('code');
    expect(lstatSync(join(folder, name)).isSymbolicLink()).toBe(false);
    expect(readFileSync(elsewhere, 'utf8')).toBe('code');
  });

  it.each([
    ['others may write to it', (folder: string) => chmodSync(folder, 0o777)],
    [
      'it is a link',
      (folder: string) => {
        symlinkSync(temporaryFolder(), join(folder, 'link'));
        return join(folder, 'link');
      },
    ],
  ])('a folder is refused when %s', (_, spoil) => {
    const made = temporaryFolder();
    const folder = spoil(made) ?? made;
    expect(() => extractedTo(folder, bytes)).toThrow('not for this user alone');
  });

  it('what was hashed is what is loaded: a swap after the check changes nothing', () => {
    const folder = temporaryFolder();
    using file = extractedTo(folder, bytes);
    writeFileSync(join(folder, `${name}.evil`), 'evil');
    // Takes the name; the descriptor still is the file that was checked.
    renameSync(join(folder, `${name}.evil`), join(folder, name));
    expect(readFileSync(file.path, 'utf8')).toBe('code');
  });
});

describe('extractionFolders', () => {
  it('a service has its own, a person the cache folder, and temporary files are the last resort', () => {
    const env = { CACHE_DIRECTORY: '/var/cache/x', XDG_CACHE_HOME: '/home/a/.c' };
    const folders = extractionFolders(env);
    expect(folders.slice(0, 2)).toEqual(['/var/cache/x/code', '/home/a/.c/windrow']);
    expect(folders[2]).toMatch(/windrow-\d+$/);
  });

  it('a service of Windows loads code from its own folder alone, a person from two', () => {
    const person = { LOCALAPPDATA: '/users/a' };
    const service = { ...person, CACHE_DIRECTORY: '/ProgramData/x' };
    expect(extractionFolders(service, 'win32')).toEqual(['/ProgramData/x/code']);
    expect(extractionFolders(person, 'win32')).toHaveLength(2);
  });
});

describe('extractionHint', () => {
  it.each([
    ['linux', {}, ['XDG_CACHE_HOME', 'TMPDIR']],
    ['win32', {}, ['LOCALAPPDATA', 'TEMP']],
    ['win32', { CACHE_DIRECTORY: '/ProgramData/x' }, []],
  ] as const)(
    'on %s with %j: names %j, by which the folders are found there',
    (platform, env, named) => {
      const hint = extractionHint(env, platform);
      expect(hint.match(/[A-Z_]{4,}/g) ?? []).toEqual(named);
    },
  );
});
