import { createHash, randomBytes } from 'node:crypto';
import {
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { ServerView } from '../../collector/api/contract.ts';
import { receivedFile } from '../support/blocks.ts';
import { eventually, getJson, metric } from '../support/http.ts';
import { type RunningCollector, startCollector } from '../support/programs.ts';
import { wineMissing } from './support/install.ts';
import { AGENT, Wine } from './support/wine.ts';

/** Names as people give them. */
const folderName = 'Märchen & Co';
const fileName = 'daß ist 1 %';
/** A user of Linux who is not the one that runs Wine. */
const nobody = 65_534;

/** Of the only server. */
function detail({ url }: RunningCollector): Promise<ServerView> {
  return getJson<ServerView>(`${url}/api/servers/1`);
}

/** How many of its samples have come; throws while there are fewer than `least`. */
async function received(collector: RunningCollector, least: number): Promise<number> {
  const { delivery } = await detail(collector);
  if (delivery.received < least) throw new Error(`${delivery.received} samples`);
  return delivery.received;
}

describe.skipIf(wineMissing)('windrow-agent.exe', () => {
  it('on a console: says its version, samples, hashes and sends, whatever the names', async () => {
    await using wine = await Wine.start();
    await using collector = await startCollector();
    const version = await wine.agent('version', '--json');
    expect(JSON.parse(version.output)).toMatchObject({
      name: 'windrow-agent',
      node: process.version,
      platform: 'win32-x64',
    });

    await using run = wine.startAgent('run', '--to', collector.url, '--data', 'C:\\däta');
    await eventually(() => received(collector, 3), 60_000);
    const { sample } = await detail(collector);
    expect(sample?.mem_total, run.output()).toBeGreaterThan(0);
    expect(sample?.unavailable?.['disk_io']).toMatch(/^PDH: error 0x/);
    expect(sample).not.toHaveProperty('disk_io');

    const content = randomBytes(3 * 1024 * 1024 + 1);
    mkdirSync(wine.driveC(folderName));
    writeFileSync(wine.driveC(folderName, fileName), content);
    const path = `C:\\${folderName}\\${fileName}`;
    const hash = await wine.agent('hash', path);
    const sha256 = createHash('sha256').update(content).digest('hex');
    // As sha256sum does it: a backslash in a name is escaped, and one in front says so.
    expect(hash.output).toBe(`\\${sha256}  ${path.replaceAll('\\', '\\\\')}\n`);

    const to = ['--to', collector.url, '--data', 'C:\\sent', '--block-size', '1MiB'];
    const sent = await wine.agent('send', path, ...to);
    expect(sent.code, sent.output).toBe(0);
    expect(receivedFile(join(collector.dataDir, 'received'), fileName).equals(content)).toBe(true);
  });

  it('takes no notice of NODE_OPTIONS, replays, and tells how it is', async () => {
    await using wine = await Wine.start();
    await using collector = await startCollector();
    const nonsense = await wine.program(
      'cmd',
      '/c',
      `set NODE_OPTIONS=--nonsense&& ${AGENT} version`,
    );
    expect(nonsense.code, nonsense.output).toBe(0);
    expect(nonsense.output).toMatch(/^windrow-agent \d/);

    const rows = 'Z:\\mnt\\repo\\tests\\data\\server_metrics.csv';
    const replayed = await wine.agent('replay', rows, '--to', collector.url, '--speed', 'max');
    expect(replayed.code, replayed.output).toBe(0);
    const lines = readFileSync('tests/data/server_metrics.csv', 'utf8').trim().split('\n');
    const stored = await metric(collector.url, 'windrow_samples_received_total');
    expect(stored).toBe(lines.length - 1);

    const doctor = await wine.agent('doctor', '--to', collector.url, '--data', 'C:\\doctor');
    expect(doctor.code, doctor.output).toBe(0);
    const shown = await wine.agent('config', 'show', '--to', collector.url);
    expect(shown.output).toContain(collector.url);
  });

  it('neither loads an addon that somebody has put into its place, nor takes a folder of theirs', async () => {
    await using wine = await Wine.start();
    const notInstalled = async (): Promise<void> => {
      const { code, output } = await wine.agent('service', 'status');
      expect([code, output]).toEqual([2, expect.stringContaining('is not installed')]);
    };
    // At once, as the first that make it.
    await Promise.all([notInstalled(), notInstalled()]);
    expect(readdirSync(wine.driveC('users/root/AppData/Local/Temp'))).not.toContain('windrow-user');
    const caches = wine.driveC('users/root/AppData/Local/windrow');
    const [name = '', ...others] = readdirSync(caches);
    expect(others).toEqual([]);
    const good = readFileSync(join(caches, name));
    writeFileSync(join(caches, name), 'planted');
    await notInstalled();
    expect(readFileSync(join(caches, name)).equals(good)).toBe(true);

    mkdirSync(wine.driveC('ProgramData/windrow'));
    chownSync(wine.driveC('ProgramData/windrow'), nobody, nobody);
    const refused = await wine.agent('service', 'install', '--to', 'http://127.0.0.1:9');
    expect(refused.code, refused.output).toBe(1);
    const why = 'could not make C:\\ProgramData\\windrow: it is there, of somebody else\n';
    expect(refused.output).toContain(why);
    expect(readdirSync(wine.driveC('ProgramData/windrow'))).toEqual([]);
    await notInstalled();
  });

  it('as a service: installed it samples, stopped it keeps what waits, crashed it has failed', async () => {
    await using wine = await Wine.start();
    await using collector = await startCollector();
    const token = wine.shared('my token');
    writeFileSync(token, 'a-token-of-forty-two-characters-0123456789\n');
    const flags = ['--to', collector.url, '--token-file', 'Z:\\mnt\\shared\\my token'];
    const installed = await wine.agent('service', 'install', ...flags, '--server-id', 'Büro 7');
    expect(installed.code, installed.output).toBe(0);
    expect(installed.output).toContain('windrow-agent runs\n');
    // What it was installed from is no longer needed.
    writeFileSync(token, '');
    await eventually(() => received(collector, 3), 60_000);
    expect((await detail(collector)).summary.server_id).toBe('Büro 7');

    const key = 'HKLM\\System\\CurrentControlSet\\Services\\windrow-agent';
    const { output: registered } = await wine.program('reg', 'query', key);
    expect(registered).toMatch(/ObjectName +REG_SZ +LocalSystem\s/);
    // With the machine.
    expect(registered).toMatch(/Start +REG_DWORD +0x2\s/);
    expect(registered).toMatch(/Description +REG_SZ +Samples this machine/);
    const words = ['C:\\Program Files\\windrow\\windrow-agent.exe', 'service', 'run'];
    expect(registered).toContain(
      [...words, 'C:\\ProgramData\\windrow\\agent'].map((word) => `"${word}"`).join(' '),
    );
    // Its folder is not everybody's, and its code is in it.
    expect(statSync(wine.driveC('ProgramData/windrow/agent')).mode & 0o007).toBe(0);
    expect(readdirSync(wine.driveC('ProgramData/windrow/agent/code'))).toHaveLength(1);

    const port = Number(new URL(collector.url).port);
    const { dataDir } = collector;
    await collector.kill();
    const stopped = await wine.agent('service', 'stop');
    expect(stopped.code, stopped.output).toBe(0);
    const status = await wine.agent('service', 'status');
    expect(status).toEqual({ code: 1, output: 'windrow-agent is stopped\n' });
    const waiting = await wine.agent('outbox', '--data', 'C:\\ProgramData\\windrow\\agent\\data');
    expect(waiting.code, waiting.output).toBe(0);
    expect(Number(/(\d+) records? wait/.exec(waiting.output)?.[1])).toBeGreaterThan(0);

    await using again = await startCollector({ port, dataDir });
    // A newer file takes the place of the old one, and keeps its settings.
    const updated = await wine.agent('service', 'install');
    expect(updated.code, updated.output).toBe(0);
    expect(updated.output).toContain('updated the service windrow-agent\n');
    expect((await wine.program('reg', 'query', key)).output).toBe(registered);
    const restarted = await wine.agent('service', 'restart');
    expect(restarted.code, restarted.output).toBe(0);
    await eventually(async () => {
      const { delivery } = await detail(again);
      expect(delivery.lost).toBe(0);
      await received(again, 6);
    }, 60_000);

    const running = await wine.agent('service', 'status');
    const pid = /\(process (\d+)\)/.exec(running.output)?.[1] ?? '';
    await wine.program('taskkill', '/f', '/pid', pid);
    const crashed = await eventually(async () => {
      const { output } = await wine.agent('service', 'status');
      if (output.includes('runs')) throw new Error(output);
      return output;
    });
    expect(crashed).toBe('windrow-agent is stopped: it crashed (1067)\n');

    const removed = await wine.agent('service', 'uninstall', '--purge');
    expect(removed.code, removed.output).toBe(0);
    expect(existsSync(wine.driveC('ProgramData/windrow'))).toBe(false);
    expect(existsSync(wine.driveC('Program Files/windrow/windrow-agent.exe'))).toBe(false);
    const gone = await wine.agent('service', 'status');
    expect(gone).toMatchObject({ code: 2 });
    expect(gone.output).toContain('windrow-agent is not installed');
  });

  it('settings that are wrong end the service with their exit code; its log and the event log say why', async () => {
    await using wine = await Wine.start();
    await using collector = await startCollector();
    const installed = await wine.agent('service', 'install', '--to', collector.url);
    expect(installed.code, installed.output).toBe(0);
    await wine.agent('service', 'stop');
    writeFileSync(wine.driveC('ProgramData/windrow/agent/agent.yaml'), 'intervall: 1s\n');
    await wine.agent('service', 'start');
    await eventually(async () => {
      const { output } = await wine.agent('service', 'status');
      expect(output).toBe('windrow-agent is stopped: it ended with exit code 78\n');
    });
    const log = readFileSync(wine.driveC('ProgramData/windrow/agent/agent.log'), 'utf8');
    expect(log).toContain('intervall');
    expect(wine.servicesSay()).toMatch(/^.*err:eventlog:ReportEventW L".*intervall/m);
  });
});
