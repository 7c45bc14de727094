import { expect, it } from 'vitest';
import type { FleetView } from '../../collector/api/contract.ts';
import { eventually, getJson } from '../support/http.ts';
import { startAgent } from '../support/programs.ts';
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
