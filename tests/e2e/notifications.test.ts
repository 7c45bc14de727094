/** From a breach on a PC to a receiver that is told, through the real program. */
import { expect, it } from 'vitest';
import type { WebhookMessage } from '../../collector/alerts/notifiers/payload.ts';
import { type Received, startReceiver } from '../../collector/alerts/testing/receiver.ts';
import { MadePc, rulesFile, startWithRules } from '../support/alerting.ts';
import { eventually, getJson } from '../support/http.ts';
import { run, tempDir } from '../support/programs.ts';

/** Long enough ago that its samples are never of the future. */
const agoMs = 20_000;

/** An alerts file with one rule, on CPU, and these notifiers, as YAML. */
function alertsFile(notifiers: string): string {
  const rule =
    '{ name: cpu-high, about: CPU is high., when: cpu_pct.avg > 90, severity: critical }';
  return rulesFile(`rules: [${rule}]\nnotifiers: ${notifiers}\n`);
}

function messageOf({ body }: Received): WebhookMessage {
  return JSON.parse(body) as WebhookMessage;
}

it('a breach reaches the webhook, so does its end, and explain shows both', async () => {
  const receiver = await startReceiver();
  const alerts = alertsFile(`{ ops: { type: webhook, url: "${receiver.url}" } }`);
  const page = 'https://monitor.example.org';
  await using collector = await startWithRules(alerts, { args: ['--url', page] });
  const pc = new MadePc(collector.url, 'pc-1', agoMs);
  await pc.send(99, 4);
  await eventually(async () => expect(receiver.received).toHaveLength(1));
  await pc.send(5, 4);
  await eventually(async () => expect(receiver.received).toHaveLength(2));
  const [firing, resolved] = receiver.received.map(messageOf);
  expect(firing).toMatchObject({
    version: '4',
    status: 'firing',
    receiver: 'ops',
    externalURL: page,
    commonLabels: { alertname: 'cpu-high', server: 'pc-1', severity: 'critical' },
    alerts: [{ annotations: { summary: 'pc-1: CPU is high.' } }],
  });
  const { fingerprint, startsAt, generatorURL = '' } = firing?.alerts[0] ?? {};
  expect(resolved).toMatchObject({
    status: 'resolved',
    alerts: [{ status: 'resolved', fingerprint, startsAt, generatorURL }],
  });
  const id = generatorURL.slice(generatorURL.lastIndexOf('/') + 1);
  await eventually(async () => {
    const { deliveries } = await getJson<{ deliveries: unknown[] }>(
      `${collector.url}/api/alerts/${id}`,
    );
    expect(deliveries).toMatchObject([
      { notifier: 'ops', status: 'firing', outcome: 'sent', attempts: 1, error: null },
      { notifier: 'ops', status: 'resolved', outcome: 'sent', attempts: 1, error: null },
    ]);
  });
  const metrics = await (await fetch(`${collector.url}/metrics`)).text();
  expect(metrics).toContain('windrow_notifications_total{notifier="ops",outcome="sent"} 2\n');
  expect(metrics).toContain('windrow_notifications_waiting{notifier="ops"} 0\n');
  expect(metrics).toContain('windrow_notification_delay_seconds_count 2\n');
});

it('a collector killed while it tells repeats the same; one that was stopped repeats nothing', async () => {
  using data = tempDir();
  const receiver = await startReceiver();
  const alerts = alertsFile(`{ ops: { type: webhook, url: "${receiver.url}" } }`);
  let collector = await startWithRules(alerts, { dataDir: data.path });
  const options = { dataDir: data.path, port: Number(new URL(collector.url).port) };
  const pc = new MadePc(collector.url, 'pc-1', agoMs);
  // It has arrived, but no answer comes.
  receiver.answer(() => {});
  await pc.send(99, 4);
  await eventually(async () => expect(receiver.received).toHaveLength(1));
  await collector.kill();

  receiver.answer((response) => response.end());
  collector = await startWithRules(alerts, options);
  await eventually(async () => expect(receiver.received).toHaveLength(2));
  const keys = receiver.received.map(({ headers }) => headers['idempotency-key']);
  expect(keys[0]).toMatch(/^[0-9a-f]{32}$/);
  expect(keys[1]).toBe(keys[0]);
  expect(receiver.received.map(messageOf).map(({ alerts: told }) => told[0]?.startsAt)).toEqual(
    Array.from({ length: 2 }, () => messageOf(receiver.received[0]!).alerts[0]?.startsAt),
  );
  await collector.stop();

  collector = await startWithRules(alerts, options);
  pc.pausedUntil(agoMs);
  await pc.send(5, 4);
  await eventually(async () => expect(receiver.received).toHaveLength(3));
  await collector.stop();
  expect(receiver.received.map((request) => messageOf(request).status)).toEqual([
    'firing',
    'firing',
    'resolved',
  ]);
});

it('`notify test` sends what says that it is a test, and prints the answer', async () => {
  const receiver = await startReceiver();
  const notifiers = `
  ops: { type: webhook, url: "${receiver.url}" }
  own: { type: command, command: ["${process.execPath}", -e, "console.log('rang')"] }`;
  const alerts = alertsFile(notifiers);
  const test = (name: string) => run('collector', ['notify', 'test', name, '--alerts', alerts]);

  expect(await test('ops')).toEqual({ code: 0, stdout: 'ops (webhook): 200 OK\n', stderr: '' });
  const [request] = receiver.received;
  const { alerts: told } = messageOf(request!);
  expect(told).toMatchObject([{ labels: { alertname: 'windrow-test', severity: 'info' } }]);
  expect(told[0]?.annotations['summary']).toMatch(/^TEST: .* nothing is wrong\.$/);
  expect((await test('own')).stdout).toBe('own (command): exit code 0: rang\n');

  const unknown = await test('nobody');
  expect(unknown.code).toBe(1);
  expect(unknown.stderr).toBe(
    `windrow-collector: ${alerts}: there is no notifier "nobody"\n  The notifiers are: ops, own.\n`,
  );
  receiver.answer((response) => response.writeHead(404).end('no such hook'));
  const refused = await test('ops');
  expect(refused.code).toBe(1);
  expect(refused.stderr).toBe(
    'windrow-collector: ops (webhook): the receiver answered 404: no such hook\n',
  );
});
