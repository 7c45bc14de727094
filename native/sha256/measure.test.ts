import { describe, expect, it } from 'vitest';
import { measureRates } from './measure.ts';

describe('measuring the engines', () => {
  it('ends when it had enough time of the CPU, and says so', async () => {
    const { clock, cpuMs, looks } = thread({ cpuShare: 1 });
    expect(await measureRates({ clock, cpuMs, forMs: 10_000 })).toMatchObject({ isEnough: true });
    // Each look at the clock is a millisecond; rounds look some ten times, and a hundred are enough.
    expect(looks()).toBeLessThan(200);
  });

  it('ends when its time is over, and says that it was not enough', async () => {
    const { clock, cpuMs, looks } = thread({ cpuShare: 0.1 });
    expect(await measureRates({ clock, cpuMs, forMs: 100 })).toMatchObject({ isEnough: false });
    expect(looks()).toBeLessThan(200);
  });

  it('knows figures of each engine even when no time is left', async () => {
    const { clock, cpuMs } = thread({ cpuShare: 1 });
    const { rates } = await measureRates({ clock, cpuMs, forMs: -1000 });
    // 256 KiB in a look's millisecond, of a lane and of four.
    expect(rates.openssl).toEqual({ lanes: 1, oneMbps: 262.144, fullMbps: 262.144 });
    expect(rates.simd4).toEqual({ lanes: 4, oneMbps: 262.144, fullMbps: 4 * 262.144 });
  });
});

/** A clock that goes on by a millisecond each time it is looked at, and a share of it is CPU time. */
function thread({ cpuShare }: { readonly cpuShare: number }) {
  let nowMs = 0;
  return {
    clock: { monotonicMs: () => (nowMs += 1) },
    cpuMs: () => nowMs * cpuShare,
    looks: () => nowMs,
  };
}
