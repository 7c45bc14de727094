import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it, onTestFinished } from 'vitest';
import { temporaryFolder } from '../../runtime/testing/temporary-folder.ts';
import { collectorFolder } from './database.ts';
import { lockFolder } from './lock.ts';

const LOCK = fileURLToPath(new URL('./lock.ts', import.meta.url));
const HOLDER = `
  const { lockFolder } = await import(process.argv[1]);
  // Kept: a lock that nobody holds on to is garbage, and then released.
  globalThis.release = lockFolder(process.argv[2]);
  process.stdout.write('held');
  setInterval(() => {}, 1_000);
`;

it('a second collector on the folder is refused in one sentence, until the first lets go', () => {
  const dataDir = temporaryFolder();
  const release = lockFolder(dataDir);
  expect(() => lockFolder(dataDir)).toThrow(
    expect.objectContaining({
      code: 'store_unavailable',
      message: `another collector runs on ${collectorFolder(dataDir)}`,
      hint: expect.stringContaining('--data'),
    }),
  );
  release();
  lockFolder(dataDir)();
});

it('a collector that was killed leaves no lock behind', async () => {
  const dataDir = temporaryFolder();
  const child = spawn(process.execPath, ['--input-type=module', '-e', HOLDER, LOCK, dataDir], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  await once(child.stdout, 'data');
  expect(() => lockFolder(dataDir)).toThrow(/another collector runs/);
  child.kill('SIGKILL');
  await once(child, 'exit');
  lockFolder(dataDir)();
});

it('a folder that cannot be used is told apart from one that is taken', () => {
  const blocked = join(temporaryFolder(), 'file');
  writeFileSync(blocked, '');
  expect(() => lockFolder(blocked)).toThrow(
    expect.objectContaining({
      code: 'store_unavailable',
      message: expect.stringMatching(/^cannot use .*file/),
    }),
  );
});
