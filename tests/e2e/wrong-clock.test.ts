/** A real collector on a machine whose clock is wrong, and PCs whose clocks are right. */
import { expect, it } from 'vitest';
import type { AlertsView } from '../../collector/api/contract.ts';
import { pause } from '../../runtime/lifecycle.ts';
import { MadePc, rulesFile, SHORT_WINDOWS } from '../support/alerting.ts';
import { eventually, getJson, metric } from '../support/http.ts';
import { run, startCollector } from '../support/programs.ts';

const RULES = `
rules:
  - { name: busy, about: The CPU is busy., when: cpu_pct.avg > 90, severity: warning }
`;
const offMs = -600_000;
/** An offset is believed after a minute. */
const waitMsMax = 100_000;

/** The system's clock of a program, before it begins. */
function clockOff(byMs: number): string {
  const script = `const now = Date.now.bind(Date); Date.now = () => now() + (${byMs});`;
  return `--import=data:text/javascript,${encodeURIComponent(script)}`;
}

it('alerts fire all the same, and log, metrics and doctor say whose clock is wrong', async () => {
  const env = {
    ...SHORT_WINDOWS,
    WINDROW_ALERTS: rulesFile(RULES),
    NODE_OPTIONS: clockOff(offMs),
  };
  await using collector = await startCollector({ env });
  const pcs = ['pc-1', 'pc-2'].map((name) => new MadePc(collector.url, name, 0));
  const giveUp = AbortSignal.timeout(waitMsMax);
  let active: AlertsView['active'] = [];
  while (active.length < pcs.length && !giveUp.aborted) {
    for (const pc of pcs) {
      // A slow machine leaves seconds out.
      pc.pausedUntil(1_000);
      await pc.send(97, 1);
    }
    ({ active } = await getJson<AlertsView>(`${collector.url}/api/alerts`));
    // As they measure: one sample a second.
    await pause(1_000, giveUp);
  }
  expect(active.map(({ server, state }) => `${state} ${server}`).sort()).toEqual([
    'firing pc-1',
    'firing pc-2',
  ]);
  // Told by the collector's clock.
  expect(active[0]?.fired_at).toBeLessThan(Date.now() + offMs + 10_000);
  expect(await metric(collector.url, 'windrow_clock_offset_seconds')).toBeCloseTo(600, 0);
  const about = /all 2 servers' clocks are about 600 s ahead of this machine's/;
  await eventually(async () => expect(collector.log()).toMatch(about));
  const doctor = await run('collector', ['doctor', '--data', collector.dataDir], { env });
  expect(doctor.stdout).toMatch(about);
}, 120_000);
