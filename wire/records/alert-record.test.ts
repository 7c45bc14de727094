import { describe, expect, it } from 'vitest';
import { noonMs } from '../../runtime/testing/manual-clock.ts';
import { alertNoticesMax, alertRecordBytesMax } from '../limits.ts';
import { type AlertRecordOnWire, decodeAlert } from './alert-record.ts';

const id = '0123456789abcdef';
const step = {
  kind: 'firing' as const,
  severity: 'critical' as const,
  at_ms: noonMs,
  reason: 'cpu_pct.avg 99',
  window: { start_ms: noonMs - 30_000, end_ms: noonMs, values: { 'cpu_pct.avg': 99 } },
  processes: null,
};
const firing: AlertRecordOnWire = {
  v: 1,
  rule: 'cpu',
  server: 'pc|1',
  slot: 2,
  id,
  starts_ms: noonMs,
  kind: 'firing',
  severity: 'critical',
  at_ms: noonMs,
  reason: 'cpu_pct.avg 99',
  fired_ms: noonMs,
  ended_ms: null,
  processes: 'make (61 % of a core)',
  steps: [step],
  active: {
    phase: 'firing',
    last_ms: noonMs,
    clear_since_ms: null,
    about: 'CPU is high.',
    labels: { team: 'room-1' },
    notify: ['ops'],
  },
  notices: [
    {
      id,
      status: 'firing',
      starts_ms: noonMs,
      ends_ms: null,
      severity: 'critical',
      labels: { alertname: 'cpu', server: 'pc|1' },
      summary: 'pc|1: CPU is high.',
      description: 'cpu_pct.avg 99',
      processes: null,
      at_ms: noonMs,
      queued_ms: noonMs,
      outcomes: { ops: 'waiting' },
    },
  ],
  released: false,
  owner: { id: 'one', url: 'http://one:7861', term: 3 },
};

function decode(value: unknown, key = 'cpu|pc|1') {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return decodeAlert({ key: Buffer.from(key), value: Buffer.from(text) });
}

describe('what a collector tells', () => {
  it('comes back as it was, though its server’s name holds the bar', () => {
    expect(decode(firing)).toEqual({ kind: 'alert', record: firing });
  });

  it('is of the fleet with an empty name', () => {
    const fleet = { ...firing, server: '' };
    expect(decode(fleet, 'cpu|')).toEqual({ kind: 'alert', record: fleet });
  });

  it('is void after a tombstone', () => {
    expect(decodeAlert({ key: Buffer.from('cpu|pc-1'), value: undefined })).toEqual({
      kind: 'gone',
      key: { rule: 'cpu', server: 'pc-1' },
    });
  });

  it('may have fields of a newer version, which are left out', () => {
    expect(decode({ ...firing, later: 1 })).toEqual({ kind: 'alert', record: firing });
  });
});

it.each([
  ['no JSON', '{'],
  ['another version', { ...firing, v: 2 }],
  ['an alert that is on and over', { ...firing, ended_ms: noonMs }],
  ['one that is neither', { ...firing, active: null }],
  ['a firing that began never', { ...firing, fired_ms: null }],
  ['a link that runs code', { ...firing, owner: { ...firing.owner, url: 'javascript:alert(1)' } }],
  ['no term', { ...firing, owner: { ...firing.owner, term: 0 } }],
  ['another rule’s key', { ...firing, rule: 'mem' }],
  ['a rule’s name that no file allows', { ...firing, rule: 'CPU high' }],
  ['too many notices', { ...firing, notices: Array(alertNoticesMax + 1).fill(firing.notices[0]) }],
  ['a slot out of bounds', { ...firing, slot: -1 }],
  ['too many bytes', JSON.stringify(firing).padEnd(alertRecordBytesMax + 1)],
  ['a list', []],
])('%s is told as malformed', (_what, value: unknown) => {
  expect(decode(value)).toMatchObject({ kind: 'malformed' });
});

it.each(['', 'cpu', '|pc', 'CPU|pc', 'cpu|\u0007'])('key %j is told as malformed', (key) => {
  expect(decode(firing, key)).toMatchObject({ kind: 'malformed' });
});

it('what would act in a terminal or a message is made inert', () => {
  const decoded = decode({ ...firing, reason: 'a\u001b[2Jb' });
  expect(decoded).toMatchObject({ record: { reason: 'a\u{FFFD}[2Jb' } });
});
