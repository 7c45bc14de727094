import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished, vi } from 'vitest';
import { temporaryFolder } from '../../../runtime/testing/temporary-folder.ts';
import { PASSWORD_VARIABLE } from '../../../wire/transport/kafka/connection.ts';
import { madeNotice } from '../testing/notices.ts';
import { CommandNotifier } from './command.ts';

const notification = {
  key: 'k-1',
  notices: ['pc-1', 'pc-2'].map((server) => madeNotice({ server })),
};
const never = new AbortController().signal;
const addressing = { receiver: 'own', pageUrl: 'http://master:7861' };

/** A program that runs this JavaScript; `args` are `process.argv.slice(1)`. */
function running(code: string, args: readonly string[] = [], timeout = 10_000): CommandNotifier {
  const command = [process.execPath, '-e', code, ...args];
  return new CommandNotifier({ type: 'command', command, timeout }, addressing);
}

it('the program gets the message on stdin, its arguments untouched, and the facts as variables', async () => {
  const path = join(temporaryFolder(), 'told.json');
  const code = `
    const { WINDROW_ALERT_STATUS: status, WINDROW_ALERT_RULE: rule, WINDROW_ALERT_SERVER: server, WINDROW_ALERT_KEY: key } = process.env;
    const stdin = JSON.parse(require('fs').readFileSync(0, 'utf8'));
    const told = { stdin, args: process.argv.slice(2), status, rule, server, key };
    require('fs').writeFileSync(process.argv[1], JSON.stringify(told));
    console.log('told');
  `;
  const args = [path, '$(id); `id` "*"'];
  expect(await running(code, args).send(notification, never)).toBe('exit code 0: told');
  expect(JSON.parse(readFileSync(path, 'utf8'))).toMatchObject({
    stdin: { version: '4', receiver: 'own', alerts: [{ status: 'firing' }, { status: 'firing' }] },
    args: ['$(id); `id` "*"'],
    status: 'firing',
    rule: 'cpu-high',
    server: 'pc-1,pc-2',
    key: 'k-1',
  });
});

it('the program has our environment, but for the password of the brokers', async () => {
  vi.stubEnv(PASSWORD_VARIABLE, 'hunter2');
  vi.stubEnv('MODEM', '/dev/ttyS0');
  onTestFinished(() => void vi.unstubAllEnvs());
  const code = `
    const secrets = Object.entries(process.env).filter(([, value]) => value.includes('hunter2'));
    console.log(process.env.MODEM, secrets.length);
  `;
  expect(await running(code).send(notification, never)).toBe('exit code 0: /dev/ttyS0 0');
});

it('a program that fails is repeated, and what it last said is told', async () => {
  const code = `console.error('x'.repeat(100_000) + ' no modem'); process.exitCode = 3`;
  const failure = expect(running(code).send(notification, never)).rejects;
  await failure.toMatchObject({
    code: 'refused',
    retryable: true,
    message: expect.stringMatching(/^the command failed: exit code 3: x{1,300} no modem$/),
  });
});

it('a program that cannot be started is repeated: it may be installed later', async () => {
  const command = ['/nowhere/notify'];
  const settings = { type: 'command', command, timeout: 1_000 } as const;
  const failure = expect(new CommandNotifier(settings, addressing).send(notification, never));
  await failure.rejects.toMatchObject({
    retryable: true,
    message: expect.stringContaining('/nowhere/notify'),
  });
});

it('a program need not read what it is told', async () => {
  const big = { ...notification, notices: [madeNotice({ labels: { long: 'x'.repeat(1e6) } })] };
  expect(await running('process.stdin.destroy()').send(big, never)).toBe('exit code 0');
});

/** Starts a child that outlives a killed parent, tells its pid, and never ends. */
const stubborn = `
  const { spawn } = require('child_process');
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'inherit' });
  require('fs').writeFileSync(process.argv[1], String(child.pid));
  process.on('SIGTERM', () => {});
  setInterval(() => {}, 1000);
`;

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    // A process that has ended but that nobody has waited for is not alive.
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

it('a program that does not end is killed with all that it started', async () => {
  const path = join(temporaryFolder(), 'pid');
  const notifier = running(stubborn, [path], 1_500);
  await expect(notifier.send(notification, never)).rejects.toMatchObject({
    retryable: true,
    message: 'the command did not end in 1500 ms',
  });
  const pid = Number(readFileSync(path, 'utf8'));
  await vi.waitFor(() => expect(isAlive(pid)).toBe(false), 5_000);
});

it('a stop of the collector ends it, and is no failure of the program', async () => {
  const path = join(temporaryFolder(), 'pid');
  const stopping = new AbortController();
  const sending = expect(running(stubborn, [path], 60_000).send(notification, stopping.signal));
  const aborted = sending.rejects.toMatchObject({ code: 'aborted' });
  await vi.waitFor(
    () => expect(existsSync(path) && readFileSync(path, 'utf8')).toMatch(/\d/),
    10_000,
  );
  stopping.abort();
  await aborted;
  const pid = Number(readFileSync(path, 'utf8'));
  await vi.waitFor(() => expect(isAlive(pid)).toBe(false), 5_000);
});

it('a process that it leaves behind with its output open does not hold it up', async () => {
  const code = `
    const { spawn } = require('child_process');
    spawn(process.execPath, ['-e', 'setTimeout(() => {}, 5000)'], { stdio: 'inherit', detached: true }).unref();
    process.exit(0);
  `;
  expect(await running(code, [], 4_000).send(notification, never)).toBe('exit code 0');
});
