import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { temporaryFolder } from '../../runtime/testing/temporary-folder.ts';
import { exclusionsOf } from './exclude.ts';
import { type Found, scan } from './scan.ts';

async function found(paths: readonly string[], exclude: readonly string[] = []): Promise<Found[]> {
  return Array.fromAsync(scan(paths, exclude.flatMap(exclusionsOf)));
}

/** `path` of files, `path: reason` of the others; below `folder` by their relative path. */
function told(all: readonly Found[], folder: string): string[] {
  return all.map((one) =>
    one.kind === 'file'
      ? one.file.relativePath
      : `${one.kind} ${one.path.slice(folder.length + 1)}: ${one.reason}`,
  );
}

function tree(files: Readonly<Record<string, string>>): string {
  const folder = join(temporaryFolder(), 'tree');
  mkdirSync(folder);
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(join(folder, name, '..'), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  return folder;
}

/** Root may read everything; another user, for the rest of the test, may not. */
function asNobody(folder: string): void {
  if (process.getuid?.() !== 0) return;
  chmodSync(join(folder, '..'), 0o755);
  process.seteuid?.(65_534);
  onTestFinished(() => process.seteuid?.(0));
}

it('all files below a folder come by name, each under its path from there', async () => {
  const folder = tree({ 'b.txt': 'b', 'a/z': 'z', 'a/b/c': '', 'a.txt': 'a' });
  mkdirSync(join(folder, 'empty'));
  expect(told(await found([folder]), folder)).toEqual([
    'tree/a/b/c',
    'tree/a/z',
    'tree/a.txt',
    'tree/b.txt',
  ]);
});

it('what is named comes in the order in which it is named, a file under its own name', async () => {
  const folder = tree({ 'b.txt': 'b', 'a.txt': 'a', 'c/d': '' });
  const paths = ['b.txt', 'c', 'a.txt'].map((name) => join(folder, name));
  expect(told(await found(paths), folder)).toEqual(['b.txt', 'c/d', 'a.txt']);
});

it('a walk that is ended finds nothing more, also where nothing was found yet', async () => {
  const folder = tree({ 'a/x.tmp': '', b: '', c: '' });
  const stop = new AbortController();
  const seen: Found[] = [];
  for await (const one of scan([folder], [], stop.signal)) {
    seen.push(one);
    stop.abort();
  }
  expect(told(seen, folder)).toEqual(['tree/a/x.tmp']);
  expect(await Array.fromAsync(scan([folder], [], stop.signal))).toEqual([]);
});

it('a file tells its size, time and inode, a sparse one its whole size', async () => {
  const folder = tree({ hole: '' });
  truncateSync(join(folder, 'hole'), 5 * 1024 ** 3);
  expect(await found([folder])).toEqual([
    {
      kind: 'file',
      file: {
        path: join(folder, 'hole'),
        relativePath: 'tree/hole',
        version: {
          sizeBytes: 5 * 1024 ** 3,
          mtimeNs: expect.any(BigInt),
          inode: expect.any(BigInt),
        },
      },
    },
  ]);
});

it('links in a folder lead nowhere: no loop, no file from outside', async () => {
  const folder = tree({ 'a/file': '' });
  symlinkSync('..', join(folder, 'a', 'loop'));
  symlinkSync('/etc/passwd', join(folder, 'a', 'outside'));
  symlinkSync('nothing', join(folder, 'a', 'dangling'));
  expect(told(await found([folder]), folder)).toEqual([
    'left-out a/dangling: is a symbolic link',
    'tree/a/file',
    'left-out a/loop: is a symbolic link',
    'left-out a/outside: is a symbolic link',
  ]);
});

it('a link that is named is followed; one that leads to itself or to nothing is a failure', async () => {
  const folder = tree({ 'a/file': '' });
  symlinkSync('a', join(folder, 'link'));
  symlinkSync('loop', join(folder, 'loop'));
  symlinkSync('nothing', join(folder, 'dangling'));
  const paths = ['link', 'loop', 'dangling'].map((name) => join(folder, name));
  expect(told(await found(paths), folder)).toEqual([
    'link/file',
    'failed loop: is a loop of symbolic links',
    'failed dangling: is not there',
  ]);
});

it('pipes and sockets are left out of a folder, and a failure when named', async () => {
  const folder = tree({ file: '' });
  execFileSync('mkfifo', [join(folder, 'pipe')]);
  const server = createServer();
  onTestFinished(() => void server.close());
  await new Promise<void>((resolve) => server.listen(join(folder, 'socket'), resolve));
  expect(told(await found([folder, join(folder, 'pipe')]), folder)).toEqual([
    'tree/file',
    'left-out pipe: is no file and no folder',
    'left-out socket: is no file and no folder',
    'failed pipe: is no file and no folder',
  ]);
});

it('a folder that may not be read stops nothing', async () => {
  const folder = tree({ 'a/file': '', 'b/file': '' });
  chmodSync(join(folder, 'a'), 0);
  onTestFinished(() => chmodSync(join(folder, 'a'), 0o700));
  asNobody(folder);
  expect(told(await found([folder]), folder)).toEqual([
    'failed a: may not be read by this user',
    'tree/b/file',
  ]);
});

it('what vanishes during the walk is a failure that stops nothing', async () => {
  const folder = tree({ 'a/file': '', b: '', c: '' });
  const seen: Found[] = [];
  for await (const one of scan([folder], [])) {
    seen.push(one);
    rmSync(join(folder, 'b'), { force: true });
  }
  expect(told(seen, folder)).toEqual(['tree/a/file', 'failed b: is not there', 'tree/c']);
});

it('a name that is not UTF-8 is told and not turned into another', async () => {
  const folder = tree({ file: '' });
  writeFileSync(Buffer.concat([Buffer.from(`${folder}/`), Buffer.from([0x66, 0xff])]), '');
  expect(told(await found([folder]), folder)).toEqual([
    'failed f\uFFFD: has a name that is not UTF-8',
    'tree/file',
  ]);
});

it.each([
  ['*.tmp', ['tree/a/keep', 'tree/node_modules/x', 'tree/top']],
  ['node_modules', ['tree/a/b.tmp', 'tree/a/keep', 'tree/top']],
  ['tree/a/*', ['tree/node_modules/x', 'tree/top']],
  ['**/x', ['tree/a/b.tmp', 'tree/a/keep', 'tree/top']],
  ['a/*', ['tree/node_modules/x', 'tree/top']],
  ['a/b.tmp', ['tree/a/keep', 'tree/node_modules/x', 'tree/top']],
  ['./a', ['tree/node_modules/x', 'tree/top']],
  ['./b.tmp', ['tree/a/b.tmp', 'tree/a/keep', 'tree/node_modules/x', 'tree/top']],
  ['./tree/a/keep', ['tree/a/b.tmp', 'tree/node_modules/x', 'tree/top']],
  ['node_modules/', ['tree/a/b.tmp', 'tree/a/keep', 'tree/top']],
  ['{**/*.tmp,**/keep}', ['tree/node_modules/x', 'tree/top']],
  ['{a/{b.tmp,keep},*.x}', ['tree/node_modules/x', 'tree/top']],
  ['a//keep', ['tree/a/b.tmp', 'tree/node_modules/x', 'tree/top']],
  ['a/./keep', ['tree/a/b.tmp', 'tree/node_modules/x', 'tree/top']],
])('--exclude %s leaves out what it names, whole folders too', async (glob, expected) => {
  const folder = tree({ 'a/b.tmp': '', 'a/keep': '', 'node_modules/x': '', top: '' });
  expect(told(await found([folder], [glob]), folder)).toEqual(expected);
});

it.each([
  ['tree/sub/**', ['tree/.top', 'tree/[z', 'tree/subs']],
  ['sub/**', ['tree/.top', 'tree/[z', 'tree/subs']],
  ['sub/*', ['tree/.top', 'tree/[z', 'tree/subs']],
  ['*', []],
  ['**/.*', ['tree/[z', 'tree/sub/x', 'tree/subs']],
  ['{.git,.top}', ['tree/[z', 'tree/sub/x', 'tree/subs']],
  ['[z', ['tree/.top', 'tree/sub/.git/x', 'tree/sub/x', 'tree/subs']],
  ['!.top', ['tree/.top', 'tree/[z', 'tree/sub/.git/x', 'tree/sub/x', 'tree/subs']],
])('--exclude %s takes a leading dot for a name like others', async (glob, expected) => {
  const folder = tree({ '.top': '', '[z': '', 'sub/.git/x': '', 'sub/x': '', subs: '' });
  expect(told(await found([folder], [glob]), folder)).toEqual(expected);
});

it.each(['', '/', '.', './', '/tree/a', '../a', 'a/../b', '{a,/b}', '{a,b}'.repeat(10)])(
  '--exclude %j can match nothing, which is told as a wrong usage',
  (glob) => {
    expect(() => exclusionsOf(glob)).toThrow(
      expect.objectContaining({ code: 'usage', message: expect.stringContaining('--exclude') }),
    );
  },
);

it('what is named itself is never excluded', async () => {
  const folder = tree({ 'a.tmp': '' });
  expect(told(await found([join(folder, 'a.tmp')], ['*.tmp']), folder)).toEqual(['a.tmp']);
});

it('a path that the wire does not take is a failure', async () => {
  const folder = tree({});
  const deep = Array.from({ length: 17 }, () => 'd'.repeat(240));
  // Step by step, as a child of its own: the whole path is longer than the system takes in one call.
  const script = `for (const name of process.argv.slice(1)) {
    fs.mkdirSync(name);
    process.chdir(name);
  }`;
  execFileSync(process.execPath, ['-e', script, ...deep], { cwd: folder });
  onTestFinished(() => void execFileSync('rm', ['-rf', folder]));
  const all = told(await found([folder]), folder);
  expect(all).toHaveLength(1);
  expect(all[0]).toMatch(/^failed .*: has too long a path$/);
});
