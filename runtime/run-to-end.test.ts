import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect, it, onTestFinished } from 'vitest';

const MODULE = fileURLToPath(new URL('./run-to-end.ts', import.meta.url));
const PROGRAM = `
  const { runToEnd, toItsEnd } = await import(process.argv[1]);
  async function printForever() {
    for (;;) {
      process.stdout.write('line\\n');
      await new Promise(setImmediate);
    }
  }
  const work = {
    prints: printForever,
    works: () => toItsEnd(printForever),
    'finds something wrong': () => {
      process.exitCode = 1;
      return printForever();
    },
    'is done': async () => {
      await toItsEnd(async () => true);
      await printForever();
    },
    'has failed': () => toItsEnd(async () => false),
    'does nothing': () => toItsEnd(() => new Promise(() => {})),
  }[process.argv[2]];
  void runToEnd('program', work);
`;

/** The reader goes away after the first line. */
async function ended(what: string): Promise<{ code: number | null; stderr: string }> {
  const args = ['--input-type=module', '-e', PROGRAM, MODULE, what];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  child.stdout.once('data', () => child.stdout.destroy());
  await once(child, 'close');
  return { code: child.exitCode, stderr };
}

const unread = 'program: stopped: nobody reads what it prints\n';

it.each([
  ['prints', 0, ''],
  ['works', 1, unread],
  ['finds something wrong', 1, unread],
  ['is done', 0, ''],
])('a program that %s ends with %i when nobody reads its output', async (what, code, stderr) => {
  expect(await ended(what)).toEqual({ code, stderr });
});

it.each(['has failed', 'does nothing'])('work that %s has failed', async (what) => {
  expect(await ended(what)).toMatchObject({ code: 1, stderr: '' });
});

it.skipIf(process.platform !== 'linux')('output that cannot be written is told', async () => {
  const script = '"$0" --input-type=module -e "$1" "$2" prints >/dev/full';
  const child = spawn('sh', ['-c', script, process.execPath, PROGRAM, MODULE], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  await once(child, 'close');
  expect(stderr).toMatch(/^program: stopped: .*ENOSPC/);
  expect(child.exitCode).toBe(1);
});
