/** The service units, by systemd's own word, and what the programs tell the service manager. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { eventually } from '../support/http.ts';
import { startAgent, startCollector, tempDir } from '../support/programs.ts';
import { missing } from '../support/tools.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');
const exposureMax = 3;

describe.skipIf(missing('systemd-analyze'))('systemd-analyze', () => {
  const units = ['windrow-agent', 'windrow-collector', 'windrow-generator', 'windrow-adder'];
  describe.each(units)('%s.service', (name) => {
    it('has no setting that systemd does not know, and starts programs that are there', () => {
      using installed = unitOf(name);
      const { status, stderr } = analyze(['verify', '--man=no', installed.path]);
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    });

    it(`is exposed to less than ${exposureMax}`, () => {
      using installed = unitOf(name);
      const { stdout } = analyze(['security', '--offline=true', '--no-pager', installed.path]);
      const exposure = /exposure level for \S+: ([\d.]+)/.exec(stdout)?.[1];
      expect(Number(exposure)).toBeLessThan(exposureMax);
    });

    it('leaves V8 its code: without it Node does not start', () => {
      const text = readFileSync(join(ROOT, 'config', 'systemd', `${name}.service`), 'utf8');
      expect(text).not.toMatch(/^MemoryDenyWriteExecute=/m);
    });
  });
});

describe.skipIf(missing('systemd-notify', 'python3'))('the service manager hears', () => {
  it('that the agent is up, that it samples, and that it stops', async () => {
    await using manager = await startManager();
    await using agent = await startAgent({ to: 'http://127.0.0.1:9', env: manager.env });
    await eventually(async () => expect(manager.heard()).toContain('WATCHDOG=1'));
    expect(manager.heard()[0]).toBe('READY=1');
    expect(manager.heard()).not.toContain('STOPPING=1');
    expect(await agent.stop()).toBe(0);
    await manager.hearsLast('STOPPING=1');
  });

  it('that the collector is up, that it lives, and that it stops', async () => {
    await using manager = await startManager();
    await using collector = await startCollector({ env: manager.env });
    await eventually(async () => expect(manager.heard()).toContain('WATCHDOG=1'));
    expect(manager.heard()[0]).toBe('READY=1');
    expect(await collector.stop()).toBe(0);
    await manager.hearsLast('STOPPING=1');
  });
});

function analyze(args: readonly string[]) {
  return spawnSync('systemd-analyze', args, { encoding: 'utf8', timeout: 30_000 });
}

/** The unit as it would be installed, with this clone in place of /opt/windrow. */
function unitOf(name: string) {
  const folder = tempDir();
  const path = join(folder.path, `${name}.service`);
  const unit = readFileSync(join(ROOT, 'config', 'systemd', `${name}.service`), 'utf8');
  writeFileSync(path, unit.replaceAll('/opt/windrow', ROOT));
  return { path, [Symbol.dispose]: () => folder[Symbol.dispose]() };
}

/** A line for each datagram; descriptors that come along are closed by not being taken. */
const receiver = `
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
print('listening', flush=True)
while True:
    print(s.recv(4096).decode().replace('\\n', ' '), flush=True)
`;

/** A stand-in for systemd: the other end of NOTIFY_SOCKET, with a watchdog of six seconds. */
async function startManager() {
  const folder = tempDir();
  const socket = join(folder.path, 'notify');
  const child: ChildProcess = spawn('python3', ['-c', receiver, socket], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (child.stdout === null) throw new Error('the receiver has no output');
  const heard: string[] = [];
  const lines = createInterface({ input: child.stdout });
  lines.on('line', (line) => heard.push(line));
  await once(lines, 'line');
  const ours = () => heard.slice(1).filter((line) => /^(?:READY|WATCHDOG|STOPPING)=/.test(line));
  return {
    env: { NOTIFY_SOCKET: socket, WATCHDOG_USEC: '6000000' },
    /** What the programs said; systemd-notify adds a BARRIER of its own, and its pid. */
    heard: ours,
    /** What was said comes here a moment later. */
    hearsLast: (word: string) => eventually(async () => expect(ours().at(-1)).toBe(word)),
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      await once(child, 'exit');
      folder[Symbol.dispose]();
    },
  };
}
