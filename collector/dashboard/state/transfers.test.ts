import { expect, test } from 'vitest';
import type { TransfersView, TransferView } from '../../api/contract.ts';
import { TransfersState } from './transfers.ts';

function transfer(id: string, changes: Partial<TransferView> = {}): TransferView {
  return {
    id,
    file_name: 'log.txt',
    sender: 'desk-12',
    size_bytes: 1_000,
    total_blocks: 10,
    state: 'active',
    blocks: 5,
    bytes: 500,
    failures: 0,
    reason: null,
    heard_ms: 5,
    left_ms: null,
    ...changes,
  };
}

function view(now: number, transfers: readonly TransferView[]): TransfersView {
  const totals = {
    transfers: transfers.length,
    transfers_active: 0,
    machines: 0,
    machines_active: 0,
    failures: 0,
  };
  return { now, machines: [], totals, bytes_per_second: now, transfers };
}

const idsOf = ({ list }: TransfersState): string[] => list.map(({ id }) => id);

test('what goes on stands first, then the most recently heard', () => {
  const state = new TransfersState();
  state.load(view(1, [transfer('done', { state: 'done', heard_ms: 9 }), transfer('old')]));
  state.update(view(2, [transfer('new', { heard_ms: 8 })]));
  expect(idsOf(state)).toEqual(['new', 'old', 'done']);
});

test('an answer that was overtaken by the stream takes nothing back', () => {
  const state = new TransfersState();
  state.update(view(9, [transfer('a', { heard_ms: 9, blocks: 9 })]));
  state.load(view(8, [transfer('a', { heard_ms: 8, blocks: 8 })]));
  expect(state.list).toMatchObject([{ blocks: 9 }]);
  expect(state.bytesPerSecond).toBe(9);
});

test('what the collector no longer lists is gone after the next load', () => {
  const state = new TransfersState();
  state.load(view(1, [transfer('a'), transfer('b')]));
  state.load(view(2, [transfer('b')]));
  expect(idsOf(state)).toEqual(['b']);
});

test('a flood stays within bounds', () => {
  const state = new TransfersState();
  state.update(
    view(
      1,
      Array.from({ length: 500 }, (_, no) => transfer(`${no}`)),
    ),
  );
  expect(state.list).toHaveLength(200);
});
