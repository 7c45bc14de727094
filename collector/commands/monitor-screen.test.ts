import { expect, it } from 'vitest';
import type { MachineView, TransfersView, TransferView } from '../api/contract.ts';
import { screenOf } from './monitor-screen.ts';

function transfer(changes: Partial<TransferView> = {}): TransferView {
  return {
    id: 'a',
    file_name: 'log.txt',
    sender: 'desk-12',
    size_bytes: 1_000,
    total_blocks: 10,
    state: 'active',
    blocks: 5,
    bytes: 500,
    failures: 0,
    reason: null,
    heard_ms: 0,
    left_ms: 61_000,
    ...changes,
  };
}

const machine: MachineView = {
  machine_id: 'node-1',
  role: 'receiver',
  last_heard_ms: 0,
  active: true,
  engine: null,
  bytes_per_second: 2_500_000,
  blocks: 5,
  bytes: 500,
  failures: 1,
};

function viewOf(
  transfers: readonly TransferView[],
  machines: readonly MachineView[] = [machine],
): TransfersView {
  const totals = {
    transfers: transfers.length,
    transfers_active: transfers.filter(({ state }) => state === 'active').length,
    machines: machines.length,
    machines_active: machines.length,
    failures: 1,
  };
  return { now: 0, machines, totals, bytes_per_second: 2_500_000, transfers };
}

function screen(transfers: readonly TransferView[], size = { columns: 100, rows: 24 }): string[] {
  return screenOf(viewOf(transfers), size);
}

it('shows what goes on first, then what is done', () => {
  const done = transfer({ file_name: 'done', state: 'done', blocks: 10, bytes: 1_000 });
  expect(screen([done, transfer()])).toEqual([
    '1 of 1 machine active   1 file on its way   2.50 MB/s   1 failed block',
    '  node-1 receives: 2.50 MB/s, 5 blocks, 500 B, 1 failed',
    '',
    expect.stringMatching(
      /^ {2}log\.txt from desk-12 {2}\[#{10}\.{10}\] {2}5\/10 blocks {2}1000 B {2}1 min left$/,
    ),
    expect.stringMatching(/^✓ done from desk-12 {2}\[#{20}\] {2}10\/10 blocks {2}1000 B {2}done$/),
  ]);
});

it('keeps within the terminal, whatever the names', () => {
  const hostile = transfer({
    file_name: `\u{1b}[2J${'x'.repeat(900)}`,
    reason: '\n\n',
    failures: 2,
  });
  const lines = screen(
    Array.from({ length: 50 }, () => hostile),
    { columns: 60, rows: 12 },
  );
  expect(lines.length).toBeLessThan(12);
  expect(lines.every((line) => Array.from(line).length <= 60)).toBe(true);
  expect(lines.join('')).not.toMatch(/\p{Cc}/u);
  expect(lines.at(-1)).toBe('and 45 more');
});

it('of the old system’s files shows what is known', () => {
  const old = transfer({ sender: null, size_bytes: null, total_blocks: null, left_ms: null });
  expect(screen([old])[3]).toMatch(
    /^ {2}log\.txt {2}\[\.{20}\] {2}5\/\? blocks {2}500 B {2}active$/,
  );
});

it('of many machines shows some, of one that sends what it hashes by, and tells how many more there are', () => {
  const both: MachineView = { ...machine, role: 'sender', engine: 'simd4' };
  const others = Array.from({ length: 7 }, (_, no) => ({
    ...machine,
    machine_id: `node-${no + 2}`,
    active: false,
  }));
  const view = viewOf([transfer()], [machine, both, ...others]);
  // Of a collector that lists no more.
  const shown = { ...view, totals: { ...view.totals, machines: 450, transfers: 1_000 } };
  const lines = screenOf(shown, { columns: 100, rows: 24 });
  expect(lines.slice(1, 7)).toEqual([
    '  node-1 receives: 2.50 MB/s, 5 blocks, 500 B, 1 failed',
    '  node-1 sends: 2.50 MB/s, 5 blocks, 500 B, 1 failed, simd4',
    '  node-2 receives: quiet, 5 blocks, 500 B, 1 failed',
    '  node-3 receives: quiet, 5 blocks, 500 B, 1 failed',
    '  node-4 receives: quiet, 5 blocks, 500 B, 1 failed',
    '  and 446 more',
  ]);
  expect(lines.at(-1)).toBe('and 999 more');
  expect(lines[0]).toMatch(/^9 of 450 machines active/);
});

it('a terminal that tells no size counts as one of 80 columns and 24 rows', () => {
  const transfers = Array.from({ length: 40 }, (_, n) => transfer({ id: `${n}` }));
  const expected = screen(transfers, { columns: 80, rows: 24 });
  expect(screen(transfers, { columns: 0, rows: 0 })).toEqual(expected);
});
