import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it, onTestFinished } from 'vitest';
import { isFolderLocked, lockFolder } from './folder-lock.ts';
import { temporaryFolder } from './testing/temporary-folder.ts';

const LOCK = fileURLToPath(new URL('./folder-lock.ts', import.meta.url));
const HOLDER = `
  const { lockFolder } = await import(process.argv[1]);
  // Kept: a lock that nobody holds on to is garbage, and then released.
  globalThis.release = lockFolder(process.argv[2], 'agent');
  process.stdout.write('held');
  setInterval(() => {}, 1_000);
`;

it('a second program on the folder is refused in one sentence, until the first lets go', () => {
  const folder = temporaryFolder();
  expect(isFolderLocked(folder)).toBe(false);
  const release = lockFolder(folder, 'agent');
  expect(() => lockFolder(folder, 'agent')).toThrow(
    expect.objectContaining({
      code: 'store_unavailable',
      message: `another agent runs on ${folder}`,
      hint: expect.stringContaining('--data'),
    }),
  );
  expect(isFolderLocked(folder)).toBe(true);
  release();
  expect(isFolderLocked(folder)).toBe(false);
  lockFolder(folder, 'agent')();
});

it('a program that was killed leaves no lock behind', async () => {
  const folder = temporaryFolder();
  const child = spawn(process.execPath, ['--input-type=module', '-e', HOLDER, LOCK, folder], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  await once(child.stdout, 'data');
  expect(() => lockFolder(folder, 'agent')).toThrow(/another agent runs/);
  child.kill('SIGKILL');
  await once(child, 'exit');
  lockFolder(folder, 'agent')();
});

it('a folder that cannot be used is told apart from one that is taken', () => {
  const blocked = join(temporaryFolder(), 'file');
  writeFileSync(blocked, '');
  expect(() => lockFolder(blocked, 'agent')).toThrow(
    expect.objectContaining({
      code: 'store_unavailable',
      message: expect.stringMatching(/^cannot use .*file/),
      hint: expect.stringContaining('--data'),
    }),
  );
  expect(() => lockFolder(blocked, 'agent', '--out')).toThrow(
    expect.objectContaining({ hint: expect.stringContaining('--out') }),
  );
});
