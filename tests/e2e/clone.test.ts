import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { FleetView } from '../../collector/api/contract.ts';
import { systemCodeOf } from '../../runtime/errors.ts';
import { eventually, getJson } from '../support/http.ts';
import { tempDir } from '../support/programs.ts';

const execute = promisify(execFile);
const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const installMsMax = 480_000;

/** Without what npm tells its children about the project it runs in, and with the machine's own Node. */
function environment(): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(
    ([name]) => !/^(npm_|WINDROW_|NODE_OPTIONS|VITEST)/.test(name),
  );
  const path = (process.env['PATH'] ?? '')
    .split(':')
    .filter((folder) => !folder.includes('node_modules'))
    .join(':');
  return { ...Object.fromEntries(own), PATH: path };
}

/** As a terminal does at Ctrl-C: everybody in the group hears it. A group that is gone is no fault. */
function signalGroup(pid: number | undefined, signal: NodeJS.Signals): void {
  try {
    process.kill(-(pid ?? Number.NaN), signal);
  } catch (error) {
    if (systemCodeOf(error) !== 'ESRCH') throw error;
  }
}

// It installs from the registry, which not every machine reaches; CI must.
describe.skipIf(!process.env['CI'])('a fresh clone (only in CI: it installs)', () => {
  it(
    'runs by the README’s command, and by npx',
    async () => {
      using folder = tempDir();
      const cwd = join(folder.path, 'windrow');
      const options = { cwd, env: environment(), maxBuffer: 16 * 1024 * 1024 };
      await execute('git', ['clone', '--quiet', ROOT, cwd]);
      await execute('npm', ['ci', '--no-audit', '--no-fund'], options);
      const version = await execute('npx', ['windrow-agent', 'version', '--json'], options);
      expect(JSON.parse(version.stdout)).toMatchObject({ name: 'windrow-agent' });

      const started = spawn('npm', ['start', '--', '--port', '0'], {
        ...options,
        detached: true,
        stdio: ['ignore', 'pipe', 'ignore'],
      });
      const exited = once(started, 'exit');
      onTestFinished(() => signalGroup(started.pid, 'SIGTERM'));
      let url: string | undefined;
      for await (const line of createInterface({ input: started.stdout })) {
        url = /windrow is running: (\S+)/.exec(line)?.[1];
        if (url !== undefined) break;
      }
      expect((await fetch(url ?? '')).headers.get('content-type')).toMatch(/text\/html/);
      await eventually(async () => {
        const { servers } = await getJson<FleetView>(`${url}/api/fleet`);
        expect(servers[0]?.values[1]).toBeGreaterThan(0);
      });
      signalGroup(started.pid, 'SIGINT');
      await exited;
      await eventually(() => expect(fetch(url ?? '')).rejects.toThrow());
      // All state is where it belongs: nothing that git would see.
      expect((await execute('git', ['status', '--porcelain'], options)).stdout).toBe('');
    },
    installMsMax,
  );
});
