import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import { expect, it, onTestFinished, vi } from 'vitest';
import { makeFolderDurably, writeFileDurably } from './durable-file.ts';
import { temporaryFolder } from './testing/temporary-folder.ts';

it('replaces the file as a whole and leaves nothing beside it', () => {
  const folder = temporaryFolder();
  const path = join(folder, 'state.json');
  writeFileDurably(path, 'a long first text');
  writeFileDurably(path, 'short');
  expect(readFileSync(path, 'utf8')).toBe('short');
  expect(readdirSync(folder)).toEqual(['state.json']);
});

it('a reader that has the old file open goes on reading the old one, whole', () => {
  const path = join(temporaryFolder(), 'state.json');
  writeFileDurably(path, 'old');
  const fd = fs.openSync(path, 'r');
  writeFileDurably(path, 'new');
  expect(fs.readFileSync(fd, 'utf8')).toBe('old');
  fs.closeSync(fd);
});

it('secrets are for their owner alone, whatever the umask', () => {
  const path = join(temporaryFolder(), 'secret');
  const umask = process.umask(0);
  onTestFinished(() => void process.umask(umask));
  writeFileDurably(path, 'x');
  expect(statSync(path).mode & 0o777).toBe(0o600);
});

it('when it fails the old file stays and no temporary one does', () => {
  const folder = temporaryFolder();
  const path = join(folder, 'state');
  // A folder that is not empty cannot be replaced by a file.
  mkdirSync(path);
  writeFileSync(join(path, 'old'), 'old');
  expect(() => writeFileDurably(path, 'new')).toThrow(/EISDIR|ENOTEMPTY|EEXIST|EPERM/);
  expect(readdirSync(folder)).toEqual(['state']);
  expect(readFileSync(join(path, 'old'), 'utf8')).toBe('old');
  expect(() => writeFileDurably(join(folder, 'no', 'folder'), 'x')).toThrow(/ENOENT/);
});

it('text is on disk before the file has its name: a crash leaves the old text or the new', () => {
  const path = join(temporaryFolder(), 'state');
  const calls: string[] = [];
  for (const name of ['fsyncSync', 'renameSync'] as const) {
    const real = fs[name] as (...args: unknown[]) => void;
    const spy = vi.spyOn(fs, name).mockImplementation((...args: unknown[]) => {
      calls.push(name);
      real(...args);
    });
    onTestFinished(() => {
      spy.mockRestore();
      syncBuiltinESMExports();
    });
  }
  syncBuiltinESMExports();
  writeFileDurably(path, 'x');
  expect(calls).toEqual(['fsyncSync', 'renameSync', 'fsyncSync']);
});

it('syncs each folder into which it made one, and nothing when all are there', () => {
  const folder = temporaryFolder();
  const path = join(folder, 'data', 'agent');
  const opened = vi.spyOn(fs, 'openSync');
  const synced = vi.spyOn(fs, 'fsyncSync');
  syncBuiltinESMExports();
  onTestFinished(() => {
    vi.restoreAllMocks();
    syncBuiltinESMExports();
  });
  makeFolderDurably(path);
  makeFolderDurably(path);
  expect(opened.mock.calls.map(([name]) => name)).toEqual([join(folder, 'data'), folder]);
  expect(synced).toHaveBeenCalledTimes(2);
  expect(statSync(path).mode & 0o777).toBe(0o700);
});

it.runIf(process.platform === 'linux')('where no folder can be made it says so, and ends', () => {
  expect(() => makeFolderDurably('/proc/windrow/data')).toThrow('ENOENT');
});

it('a file in the way is told', () => {
  const path = join(temporaryFolder(), 'file');
  writeFileDurably(path, '');
  expect(() => makeFolderDurably(path)).toThrow('EEXIST');
  expect(() => makeFolderDurably(join(path, 'data'))).toThrow('EEXIST');
});

it('one that another program makes meanwhile is good enough', () => {
  const path = join(temporaryFolder(), 'data');
  const mkdir = fs.mkdirSync;
  vi.spyOn(fs, 'mkdirSync').mockImplementation((...args) => {
    mkdir(...args);
    return mkdir(...args);
  });
  syncBuiltinESMExports();
  onTestFinished(() => {
    vi.restoreAllMocks();
    syncBuiltinESMExports();
  });
  makeFolderDurably(path);
  expect(statSync(path).isDirectory()).toBe(true);
});

/** Makes the sync of folders fail. */
function failingSync(code: string): void {
  vi.spyOn(fs, 'fsyncSync').mockImplementation(() => {
    throw Object.assign(new Error(code), { code });
  });
  syncBuiltinESMExports();
  onTestFinished(() => {
    vi.restoreAllMocks();
    syncBuiltinESMExports();
  });
}

it.each(['EINVAL', 'ENOTSUP', 'EPERM'])(
  'a file system that cannot sync folders (%s) is used all the same',
  (code) => {
    const path = join(temporaryFolder(), 'data', 'agent');
    failingSync(code);
    makeFolderDurably(path);
    expect(statSync(path).isDirectory()).toBe(true);
  },
);

it('a disk that fails is told', () => {
  const path = join(temporaryFolder(), 'data');
  failingSync('EIO');
  expect(() => makeFolderDurably(path)).toThrow('EIO');
});

it('folders whose sync failed are made and synced anew by the next try', () => {
  const folder = temporaryFolder();
  const path = join(folder, 'data', 'agent');
  const fsync = fs.fsyncSync;
  const synced: string[] = [];
  let isBroken = true;
  const opened = vi.spyOn(fs, 'openSync');
  vi.spyOn(fs, 'fsyncSync').mockImplementation((fd) => {
    synced.push(String(opened.mock.lastCall?.[0]));
    // The inner one is synced, the outer one is not.
    if (isBroken && synced.length === 2) throw Object.assign(new Error('EIO'), { code: 'EIO' });
    fsync(fd);
  });
  syncBuiltinESMExports();
  onTestFinished(() => {
    vi.restoreAllMocks();
    syncBuiltinESMExports();
  });
  expect(() => makeFolderDurably(path)).toThrow('EIO');
  isBroken = false;
  synced.length = 0;
  makeFolderDurably(path);
  expect(synced).toEqual([join(folder, 'data'), folder]);
  expect(statSync(path).isDirectory()).toBe(true);
});

it('a folder whose sync failed stays where something was put into it meanwhile', () => {
  const folder = temporaryFolder();
  const path = join(folder, 'data');
  const file = join(path, 'file');
  vi.spyOn(fs, 'fsyncSync').mockImplementation(() => {
    fs.appendFileSync(file, 'x');
    throw Object.assign(new Error('EIO'), { code: 'EIO' });
  });
  syncBuiltinESMExports();
  onTestFinished(() => {
    vi.restoreAllMocks();
    syncBuiltinESMExports();
  });
  expect(() => makeFolderDurably(path)).toThrow('EIO');
  expect(readFileSync(file, 'utf8')).toBe('x');
});

it('where an inner folder cannot be made, the outer ones that were go again, and no others', () => {
  const folder = temporaryFolder();
  const others = join(folder, 'others');
  const mkdir = fs.mkdirSync;
  vi.spyOn(fs, 'mkdirSync').mockImplementation((path, ...more) => {
    if (path === join(others, 'data', 'agent')) {
      throw Object.assign(new Error('ENOSPC'), { code: 'ENOSPC' });
    }
    // Another program is faster with this one.
    if (path === others) mkdir(path);
    return mkdir(path, ...more);
  });
  syncBuiltinESMExports();
  onTestFinished(() => {
    vi.restoreAllMocks();
    syncBuiltinESMExports();
  });
  expect(() => makeFolderDurably(join(others, 'data', 'agent'))).toThrow('ENOSPC');
  expect(readdirSync(folder)).toEqual(['others']);
  expect(readdirSync(others)).toEqual([]);
});

it('a folder that may be written and not read is good enough to make one in it', () => {
  const parent = temporaryFolder();
  const path = join(parent, 'data');
  // Root may read everything, so the folder is another user's, and so is the program.
  const user = process.getuid?.() === 0 ? 65_534 : undefined;
  if (user !== undefined) chownSync(parent, user, user);
  chmodSync(parent, 0o300);
  onTestFinished(() => chmodSync(parent, 0o700));
  const code = `
    import { openSync } from 'node:fs';
    import { makeFolderDurably } from ${JSON.stringify(import.meta.resolve('./durable-file.ts'))};
    let code = 'none';
    try { openSync(${JSON.stringify(parent)}, 'r'); } catch (error) { code = error.code; }
    makeFolderDurably(${JSON.stringify(path)});
    console.log(code);
  `;
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '--eval', code], {
    encoding: 'utf8',
    ...(user === undefined ? {} : { uid: user, gid: user }),
  });
  expect([stdout, stderr]).toEqual(['EACCES\n', '']);
  expect(statSync(path).mode & 0o777).toBe(0o700);
});
