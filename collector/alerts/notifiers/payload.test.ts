import { expect, it } from 'vitest';
import { noonMs } from '../../../runtime/testing/manual-clock.ts';
import { madeNotice, resolveOf } from '../testing/notices.ts';
import { postableAlerts, webhookMessage } from './payload.ts';

const pageUrl = 'http://master:7861';
const addressing = { receiver: 'ops', pageUrl };

it('a webhook gets the message that Alertmanager would send, version 4', () => {
  const firing = madeNotice();
  const { id } = firing;
  expect(webhookMessage({ key: 'k', notices: [firing] }, addressing)).toEqual({
    version: '4',
    groupKey: '{}:{alertname="cpu-high"}',
    truncatedAlerts: 0,
    status: 'firing',
    receiver: 'ops',
    groupLabels: { alertname: 'cpu-high' },
    commonLabels: { alertname: 'cpu-high', server: 'pc-1', severity: 'critical', team: 'room-1' },
    commonAnnotations: firing.annotations,
    externalURL: pageUrl,
    alerts: [
      {
        status: 'firing',
        labels: { alertname: 'cpu-high', server: 'pc-1', severity: 'critical', team: 'room-1' },
        annotations: {
          summary: 'pc-1: CPU above 90 % for two minutes.',
          description: 'cpu_pct.avg 97.3 for 2m',
          processes: 'make 61 %',
        },
        startsAt: '2026-01-15T12:00:00.000Z',
        endsAt: '0001-01-01T00:00:00Z',
        generatorURL: `http://master:7861/#/alerts/${id}`,
        fingerprint: firing.fingerprint,
      },
    ],
  });
});

it('a message with one firing among resolved ones is firing, and tells when the others ended', () => {
  const other = resolveOf(madeNotice({ server: 'pc-2' }));
  const message = webhookMessage({ key: 'k', notices: [other, madeNotice()] }, addressing);
  expect(message.status).toBe('firing');
  expect(message.alerts.map(({ status }) => status)).toEqual(['resolved', 'firing']);
  expect(message.alerts[0]?.endsAt).toBe('2026-01-15T12:05:00.000Z');
  const resolved = webhookMessage({ key: 'k', notices: [other] }, addressing);
  expect(resolved.status).toBe('resolved');
});

it('what alerts of a message have in common is named once, what differs is not', () => {
  const notices = ['pc-1', 'pc-2'].map((server) => madeNotice({ server }));
  const { commonLabels, commonAnnotations } = webhookMessage({ key: 'k', notices }, addressing);
  expect(commonLabels).toEqual({ alertname: 'cpu-high', severity: 'critical', team: 'room-1' });
  expect(commonAnnotations).toEqual({
    description: 'cpu_pct.avg 97.3 for 2m',
    processes: 'make 61 %',
  });
});

it('Alertmanager is told that a firing alert ends hours from now, and a resolved one when it ended', () => {
  const firing = madeNotice();
  const [open, ended] = postableAlerts([firing, resolveOf(firing)], { pageUrl, nowMs: noonMs });
  expect(open).toEqual({
    labels: firing.labels,
    annotations: firing.annotations,
    startsAt: '2026-01-15T12:00:00.000Z',
    endsAt: '2026-01-15T16:00:00.000Z',
    generatorURL: `http://master:7861/#/alerts/${firing.id}`,
  });
  expect(ended?.endsAt).toBe('2026-01-15T12:05:00.000Z');
});
