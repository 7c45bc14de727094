import { describe, expect, it } from 'vitest';
import { RowWindows } from './from-rows.ts';

const options = {
  windowMs: 30_000,
  slideMs: 10_000,
  latenessMs: 5_000,
  paneRetentionMs: 86_400_000,
  metricCount: 1,
  originMs: 3_000,
};

describe('RowWindows', () => {
  it('aligns all servers to the origin, and makes what trails final at the end', () => {
    const made: string[] = [];
    const maker = new RowWindows(options, (serverId, { startMs, final, warmUp }) => {
      made.push(`${serverId} ${startMs}${final ? '' : '?'}${warmUp ? ' warm-up' : ''}`);
    });
    expect(maker.push({ serverId: 'a', tsMs: 3_000, values: [1] })).toBe('counted');
    expect(maker.push({ serverId: 'b', tsMs: 14_000, values: [1] })).toBe('counted');
    expect(maker.push({ serverId: 'a', tsMs: 38_000, values: [1] })).toBe('counted');
    expect(made).toEqual(['a -17000 warm-up', 'a -7000 warm-up', 'a 3000']);
    expect(maker.push({ serverId: 'a', tsMs: 4_000, values: [1] })).toBe('late');
    maker.end();
    expect(made.slice(3)).toEqual([
      'a 13000',
      'a 23000',
      'a 33000',
      'b -7000 warm-up',
      'b 3000 warm-up',
      'b 13000',
    ]);
  });
});
