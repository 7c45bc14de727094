import { describe, expect, it } from 'vitest';
import { type FleetInput, mergeFleet } from './testing/fleet.ts';
import type { Aggregate } from './window.ts';

function server(avg: number | null, max = 100): FleetInput {
  const none = { p50: null, p95: null, p99: null };
  const one: Aggregate | null =
    avg === null ? null : { count: 2, sum: 2 * avg, min: 0, max, avg, last: 0, ...none };
  return { startMs: 0, endMs: 30_000, samples: 2, aggregates: [one] };
}

describe('mergeFleet', () => {
  it('counts each server once, by its average', () => {
    const averages = Array.from({ length: 20 }, (_, i) => i + 1);
    const fleet = mergeFleet([...averages.map((avg) => server(avg)), server(5.5, 777)]);
    expect(fleet).toEqual({
      startMs: 0,
      endMs: 30_000,
      servers: 21,
      samples: 42,
      aggregates: [
        {
          servers: 21,
          avg: 215.5 / 21,
          min: 1,
          max: 20,
          p50: 10,
          p95: 19,
          p99: 20,
          peak: 777,
          sum: 431,
        },
      ],
    });
  });

  it('leaves servers without a metric out of it, and a metric without servers null', () => {
    expect(mergeFleet([server(null), server(7)])?.aggregates[0]).toMatchObject({
      servers: 1,
      avg: 7,
    });
    expect(mergeFleet([server(null)])).toMatchObject({ servers: 1, aggregates: [null] });
    expect(mergeFleet([])).toBeNull();
  });

  it('gives the same bytes in any order of the servers', () => {
    const servers = [0.1, 0.2, 0.3, 1e17, -1e17, 0.7].map((avg) => server(avg));
    expect(JSON.stringify(mergeFleet(servers.toReversed()))).toBe(
      JSON.stringify(mergeFleet(servers)),
    );
    expect(mergeFleet(servers)?.aggregates[0]?.sum).toBe(2.6);
  });

  it('refuses to merge windows that are not the same', () => {
    const other = { ...server(1), startMs: 10_000, endMs: 40_000 };
    expect(() => mergeFleet([server(1), other])).toThrow('a fleet shares one window');
  });
});
