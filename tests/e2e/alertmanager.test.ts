/** Our alerts in a real Alertmanager, which is asked by its own API what it knows. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { Alertmanager } from '../../collector/alerts/notifiers/alertmanager.ts';
import { madeNotice, resolveOf } from '../../collector/alerts/testing/notices.ts';
import { systemClock } from '../../runtime/clock.ts';
import { temporaryFolder } from '../../runtime/testing/temporary-folder.ts';
import { freePort } from '../support/free-port.ts';
import { MadePc, rulesFile, startWithRules } from '../support/alerting.ts';
import { eventually, getJson } from '../support/http.ts';

const PROGRAM = 'prometheus-alertmanager';
const isMissing = spawnSync(PROGRAM, ['--version']).error !== undefined && !process.env['CI'];
const never = new AbortController().signal;

interface KnownAlert {
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly startsAt: string;
  readonly endsAt: string;
  readonly generatorURL: string;
  readonly status: { readonly state: string };
}

async function startAlertmanager(): Promise<{ url: string; restart(): Promise<void> }> {
  const folder = temporaryFolder();
  const config = join(folder, 'alertmanager.yml');
  writeFileSync(config, 'route: {receiver: nobody}\nreceivers: [{name: nobody}]\n');
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const args = [
    `--web.listen-address=127.0.0.1:${port}`,
    '--cluster.listen-address=',
    `--storage.path=${folder}`,
    `--config.file=${config}`,
  ];
  let child: ChildProcess | undefined;
  const end = async (): Promise<void> => {
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const closed = once(child, 'close');
    child.kill('SIGKILL');
    await closed;
  };
  const start = async (): Promise<void> => {
    child = spawn(PROGRAM, args, { stdio: 'ignore' });
    await eventually(async () => expect((await fetch(`${url}/-/ready`)).ok).toBe(true));
  };
  onTestFinished(end);
  await start();
  return {
    url,
    async restart() {
      await end();
      await start();
    },
  };
}

function known(url: string): Promise<KnownAlert[]> {
  return getJson<KnownAlert[]>(`${url}/api/v2/alerts`);
}

it.skipIf(isMissing)(
  `a real Alertmanager (${PROGRAM}) shows an alert while it fires, ends it with its resolve, and is reminded after a restart`,
  async () => {
    const alertmanager = await startAlertmanager();
    const { url } = alertmanager;
    const settings = { type: 'alertmanager', url: `${url}/`, timeout: 10_000 } as const;
    const notifier = new Alertmanager(settings, {
      pageUrl: 'http://master:7861',
      clock: systemClock,
    });
    // A time of now: Alertmanager forgets what ended long ago.
    const startsAtMs = Math.floor(systemClock.wallMs() / 1000) * 1000 - 60_000;
    const firing = madeNotice({ startsAtMs });
    const other = madeNotice({ startsAtMs, server: 'pc-2' });

    await notifier.send({ key: 'a', notices: [firing, other] }, never);
    const shown = await eventually(async () => {
      const alerts = await known(url);
      expect(alerts).toHaveLength(2);
      return alerts.find(({ labels }) => labels['server'] === 'pc-1');
    });
    expect(shown).toMatchObject({
      labels: firing.labels,
      annotations: firing.annotations,
      startsAt: new Date(startsAtMs).toISOString(),
      generatorURL: `http://master:7861/#/alerts/${firing.id}`,
      status: { state: 'active' },
    });
    const fourHoursMs = 4 * 60 * 60 * 1000;
    expect(Date.parse(shown?.endsAt ?? '') - systemClock.wallMs()).toBeGreaterThan(
      fourHoursMs - 60_000,
    );

    const resolve = resolveOf(firing, { endsAtMs: systemClock.wallMs() });
    await notifier.send({ key: 'b', notices: [resolve] }, never);
    await eventually(async () =>
      expect((await known(url)).map(({ labels }) => labels['server'])).toEqual(['pc-2']),
    );

    await alertmanager.restart();
    expect(await known(url)).toEqual([]);
    await notifier.remind([other], never);
    await eventually(async () =>
      expect(await known(url)).toMatchObject([{ labels: other.labels }]),
    );
  },
);

it.skipIf(isMissing)(
  `a breach on a PC is an alert in a real Alertmanager (${PROGRAM}) until it is over`,
  async () => {
    const { url } = await startAlertmanager();
    const rules = rulesFile(`
rules: [{ name: cpu-high, about: CPU is high., when: cpu_pct.avg > 90, severity: critical }]
notifiers: { am: { type: alertmanager, url: "${url}" } }`);
    await using collector = await startWithRules(rules);
    const agoMs = 20_000;
    const pc = new MadePc(collector.url, 'pc-1', agoMs);
    await pc.send(99, 4);
    await eventually(async () =>
      expect(await known(url)).toMatchObject([
        {
          labels: { alertname: 'cpu-high', server: 'pc-1', severity: 'critical' },
          annotations: { summary: 'pc-1: CPU is high.' },
          status: { state: 'active' },
        },
      ]),
    );
    pc.pausedUntil(agoMs);
    await pc.send(5, 4);
    await eventually(async () => expect(await known(url)).toEqual([]));
  },
);
