import { existsSync, statSync } from 'node:fs';
import { expect, it } from 'vitest';
import type { FleetView } from '../../collector/api/contract.ts';
import { freePort } from '../support/free-port.ts';
import { eventually, getJson, metric } from '../support/http.ts';
import { startAgent } from '../support/programs.ts';
import { clientOf, sendSamples, steadySamples } from '../support/send.ts';
import { wineMissing } from './support/install.ts';
import { Wine } from './support/wine.ts';

it.skipIf(wineMissing)(
  'windrow-collector.exe shows its page and takes samples of an agent on Linux',
  async () => {
    await using wine = await Wine.start();
    await using collector = wine.startCollector('serve', '--port', '0', '--data', 'C:\\Daten ß');
    const url = await eventually(async () => {
      const ready = /^ready (\S+)$/m.exec(collector.output())?.[1];
      if (ready === undefined) throw new Error(collector.output());
      return ready;
    }, 60_000);
    const page = await fetch(url);
    expect(await page.text()).toContain('<!doctype html>');
    await using agent = await startAgent({ to: url, args: ['--server-id', 'linux-pc'] });
    await eventually(async () => {
      const { servers } = await getJson<FleetView>(`${url}/api/fleet`);
      expect(servers, agent.log()).toMatchObject([{ server_id: 'linux-pc', state: 'up' }]);
    }, 30_000);
  },
);

it.skipIf(wineMissing)(
  'as a service: installed it takes samples, as a user of its own, stopped it keeps them',
  async () => {
    await using wine = await Wine.start();
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    const installed = await wine.collector('service', 'install', '--port', String(port));
    expect(installed.code, installed.output).toBe(0);
    expect(installed.output).toContain('windrow-collector runs\n');
    const health = await eventually(() => getJson<{ status: string }>(`${url}/healthz`), 60_000);
    expect(health.status).toBe('ok');
    const { stored } = await sendSamples(clientOf(url), steadySamples('pc', Date.now() - 5_000, 5));
    expect(stored).toBe(5);
    const key = 'HKLM\\System\\CurrentControlSet\\Services\\windrow-collector';
    const { output } = await wine.program('reg', 'query', key);
    expect(output).toMatch(/ObjectName +REG_SZ +NT SERVICE\\windrow-collector\s/);
    // With the machine.
    expect(output).toMatch(/Start +REG_DWORD +0x2\s/);
    expect(output).toMatch(/Description +REG_SZ +Takes in samples/);
    const command = ['C:\\Program Files\\windrow\\windrow-collector.exe', 'service', 'run'];
    expect(output).toContain(
      [...command, 'C:\\ProgramData\\windrow\\collector'].map((word) => `"${word}"`).join(' '),
    );
    const source = 'HKLM\\System\\CurrentControlSet\\Services\\EventLog\\Application';
    const words = await wine.program('reg', 'query', `${source}\\windrow-collector`);
    expect(words.output).toMatch(/EventMessageFile +REG_EXPAND_SZ +%SystemRoot%.*EventCreate\.exe/);
    // Its folder is not everybody's: Wine makes rights here of those there.
    expect(statSync(wine.driveC('ProgramData/windrow/collector')).mode & 0o007).toBe(0);

    const stopped = await wine.collector('service', 'stop');
    expect(stopped.code, stopped.output).toBe(0);
    const status = await wine.collector('service', 'status');
    expect(status).toEqual({ code: 1, output: 'windrow-collector is stopped\n' });
    const started = await wine.collector('service', 'start');
    expect(started.code, started.output).toBe(0);
    await eventually(async () => {
      const { servers } = await getJson<FleetView>(`${url}/api/fleet`);
      expect(servers).toMatchObject([{ server_id: 'pc' }]);
    }, 60_000);
    // As if they came again: they were stored.
    const again = await sendSamples(clientOf(url), steadySamples('pc', Date.now() - 5_000, 5));
    expect([again.stored, again.duplicates]).toEqual([0, 5]);
    expect(await metric(url, 'windrow_samples_lost_total')).toBe(0);

    const removed = await wine.collector('service', 'uninstall', '--purge');
    expect(removed.code, removed.output).toBe(0);
    expect(existsSync(wine.driveC('ProgramData/windrow'))).toBe(false);
    expect(existsSync(wine.driveC('Program Files/windrow/windrow-collector.exe'))).toBe(false);
  },
);
