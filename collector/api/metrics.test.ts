import { expect, it } from 'vitest';
import { noCounts } from '../ingest/counts.ts';
import { CollectorMetrics } from './metrics.ts';
import { serve } from './testing/served.ts';

function fixture() {
  const counts = { ...noCounts(), received: 7, late: 6, duplicates: 5, lost: 4, quarantined: 3 };
  const metrics = new CollectorMetrics({
    counts: () => counts,
    servers: () => ({ up: 1, silent: 2, off: 3, skewed: 4, decommissioned: 5, unknown: 6 }),
    perServer: () => [],
    alerts: () => ({ active: () => [], rules: new Map(), counts: new Map() }),
    clockOffsetMs: () => -600_000,
    storeBytes: () => 4_096,
    pages: () => 9,
    panes: () => 8,
    notices: () => new Map([['ops', 12]]),
    cluster: () => ({
      slots: 2,
      behindRecords: 13,
      unpublishedRecords: 14,
      uncommittedMs: 1_500,
    }),
  });
  return { metrics, counts };
}

interface Family {
  readonly type: string;
  readonly samples: { readonly name: string; readonly labels: string; readonly value: number }[];
}

/** By the grammar of OpenMetrics 1.0; anything else than a line of it is an error. */
function parse(text: string): Map<string, Family> {
  expect(text.endsWith('\n# EOF\n')).toBe(true);
  const families = new Map<string, Family>();
  const helped = new Set<string>();
  let current = '';
  for (const line of text.slice(0, -'# EOF\n'.length).split('\n').slice(0, -1)) {
    const meta = /^# (TYPE|HELP) ([a-zA-Z_:][a-zA-Z0-9_:]*) (.+)$/.exec(line);
    if (meta !== null) {
      const [, kind, name = '', rest = ''] = meta;
      if (kind === 'HELP') helped.add(name);
      else {
        expect(families.has(name), `${name} once`).toBe(false);
        families.set(name, { type: rest, samples: [] });
        current = name;
      }
      continue;
    }
    const sample =
      /^([a-zA-Z_:][a-zA-Z0-9_:]*)(\{(?:[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\.)*",?)*\})? (\S+)$/.exec(
        line,
      );
    expect(sample, `a line of OpenMetrics: ${line}`).not.toBeNull();
    const [, name = '', labels = '', value = ''] = sample ?? [];
    const family = families.get(current);
    const suffix = name.slice(current.length);
    expect(name.startsWith(current), `${name} belongs to ${current}`).toBe(true);
    const suffixes: Record<string, readonly string[]> = {
      counter: ['_total'],
      gauge: [''],
      histogram: ['_bucket', '_count', '_sum'],
    };
    expect(suffixes[family?.type ?? ''], `${name} is of a known type`).toContain(suffix);
    const number = value === '+Inf' ? Infinity : Number(value);
    expect(Number.isNaN(number), line).toBe(false);
    family?.samples.push({ name, labels, value: number });
  }
  expect([...families.keys()].every((name) => helped.has(name))).toBe(true);
  return families;
}

it('what /metrics answers is OpenMetrics, in name and in content', async () => {
  const { url, metrics } = await serve();
  metrics.noteLag(120);
  metrics.noteCommit(3);
  const response = await fetch(`${url}/metrics`);
  expect(response.headers.get('content-type')).toBe(
    'application/openmetrics-text; version=1.0.0; charset=utf-8',
  );
  const families = parse(await response.text());
  expect(families.get('windrow_samples_received')?.samples).toEqual([
    { name: 'windrow_samples_received_total', labels: '', value: 42 },
  ]);
});

it('each count is under the name that the documentation promises', async () => {
  const { metrics } = fixture();
  const text = await metrics.text();
  for (const line of [
    'windrow_samples_received_total 7',
    'windrow_samples_late_total 6',
    'windrow_samples_duplicate_total 5',
    'windrow_samples_lost_total 4',
    'windrow_records_quarantined_total 3',
    'windrow_clock_offset_seconds -600',
    'windrow_store_bytes 4096',
    'windrow_pages_open 9',
    'windrow_servers{state="up"} 1',
    'windrow_servers{state="silent"} 2',
    'windrow_servers{state="off"} 3',
    'windrow_servers{state="skewed"} 4',
    'windrow_servers{state="decommissioned"} 5',
    'windrow_servers{state="unknown"} 6',
    'windrow_log_slots 2',
    'windrow_log_behind_records 13',
    'windrow_results_unpublished_records 14',
    'windrow_log_uncommitted_seconds 1.5',
  ]) {
    expect(text.split('\n')).toContain(line);
  }
});

it('asking twice counts nothing twice', async () => {
  const { metrics, counts } = fixture();
  await metrics.text();
  counts.received += 1;
  expect(await metrics.text()).toContain('windrow_samples_received_total 8\n');
});

it('lag is in seconds, and a sender’s clock that is ahead gives 0 and not less', async () => {
  const { metrics } = fixture();
  metrics.noteLag(1_500);
  metrics.noteLag(-60_000);
  const lag = parse(await metrics.text()).get('windrow_ingest_lag_seconds');
  const value = (name: string) => lag?.samples.find((sample) => sample.name.endsWith(name))?.value;
  expect([value('_sum'), value('_count')]).toEqual([1.5, 2]);
});

it('notifications are counted by notifier and outcome, their delay in seconds', async () => {
  const { metrics } = fixture();
  metrics.notifications.settled('ops', 'sent', 3);
  metrics.notifications.settled('ops', 'not needed', 1);
  metrics.notifications.delayed(750);
  metrics.notifications.delayed(-60_000);
  const text = await metrics.text();
  for (const line of [
    'windrow_notifications_total{notifier="ops",outcome="sent"} 3',
    'windrow_notifications_total{notifier="ops",outcome="not_needed"} 1',
    'windrow_notifications_waiting{notifier="ops"} 12',
    'windrow_notification_delay_seconds_sum 0.75',
    'windrow_notification_delay_seconds_count 2',
  ]) {
    expect(text.split('\n')).toContain(line);
  }
  parse(text);
});
