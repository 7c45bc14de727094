import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { WindrowError } from '../../../runtime/errors.ts';
import { createKeptLog } from '../../../runtime/testing/kept-log.ts';
import { Beside } from './beside.ts';
import { createMemoryLog } from './memory.ts';
import { systemClock } from '../../../runtime/clock.ts';
import type { Log, NewLogRecord } from './port.ts';
import { RecordsRefused } from './refused.ts';

const never = new AbortController().signal;
const waitMs = 2_000;

const specOf = (name: string) => ({ name, partitions: 1, replicas: undefined, settings: {} });
const recordOf = (topic: string, value: string): NewLogRecord => ({ topic, key: 'pc', value });

/** @param write what a broker does with records of one send, which are one at a time */
function rig(write: (records: readonly NewLogRecord[]) => Promise<void>) {
  const memory = createMemoryLog({ clock: systemClock });
  const { log, lines } = createKeptLog();
  let last = Promise.resolve();
  let ensured = 0;
  const source: Log = {
    consumer: (options) => memory.consumer(options),
    reader: (topic) => memory.reader(topic),
    producer: () => ({
      send: (records) => {
        const sending = last.then(() => write(records));
        last = sending.catch(() => {});
        return sending;
      },
      close: async () => {},
    }),
    admin: () => {
      const admin = memory.admin();
      return {
        ensure: async () => void (ensured += 1),
        partitions: (...all) => admin.partitions(...all),
        hasMember: (...all) => admin.hasMember(...all),
        checks: (...all) => admin.checks(...all),
        close: () => admin.close(),
      };
    },
  };
  const told: string[] = [];
  const beside = new Beside(source, {
    topics: ['a', 'b'].map(specOf),
    log,
    trouble: () => ({
      over: () => {},
      failed: async ({ message }) => {
        told.push(message);
        await after(500);
      },
    }),
  });
  onTestFinished(() => beside.close());
  /** @returns how long it held whoever adds */
  const add = async (...records: NewLogRecord[]): Promise<number> => {
    const startMs = performance.now();
    let tookMs = Number.NaN;
    const adding = beside.add(records, never).then(() => (tookMs = performance.now() - startMs));
    await vi.advanceTimersByTimeAsync(waitMs + 1);
    await adding;
    return tookMs;
  };
  return { beside, add, lines, told, ensured: () => ensured };
}

function after(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

describe('what goes beside samples', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    onTestFinished(() => void vi.useRealTimers());
  });

  it('is waited for while all is well', async () => {
    const written: unknown[] = [];
    const { add } = rig(async (records) => {
      await after(100);
      written.push(...records.map(({ value }) => value));
    });
    expect(await add(recordOf('a', '1'), recordOf('a', '2'))).toBe(100);
    expect(written).toEqual(['1', '2']);
  });

  it.each(['late', 'failing'])(
    'a topic that is %s costs one wait, not one each time',
    async (how) => {
      const { add } = rig(async ([record]) => {
        await after(record?.topic === 'b' ? 5_000 : 5);
        if (record?.topic === 'b' && how === 'failing') throw new Error('timed out');
      });
      const waits: number[] = [];
      for (let i = 0; i < 20; i += 1) waits.push(await add(recordOf('a', 'x'), recordOf('b', 'x')));
      expect(waits).toEqual([waitMs, ...Array.from({ length: 19 }, () => 0)]);
    },
  );

  it('a topic that was late, and has nothing more to write, lets the others be waited for', async () => {
    const { add } = rig(([record]) => after(record?.topic === 'b' ? 5_000 : 5));
    expect(await add(recordOf('b', 'once an hour'))).toBe(waitMs);
    await vi.advanceTimersByTimeAsync(5_000);
    expect(await add(recordOf('a', 'x'))).toBe(5);
  });

  it('what fails is written when it works again, in order, and is waited for again', async () => {
    let isDown = true;
    const written: unknown[] = [];
    const { add, told, ensured } = rig(async (records) => {
      if (isDown) throw new WindrowError('unreachable', 'no leader', { retryable: true });
      written.push(...records.map(({ value }) => value));
      await after(10);
    });
    expect(await add(recordOf('a', '1'))).toBe(0);
    expect(await add(recordOf('a', '2'))).toBe(0);
    expect(written).toEqual([]);
    expect(new Set(told)).toEqual(new Set(['no leader']));
    // Somebody may have deleted it: it is looked at before each try.
    expect(ensured()).toBe(told.length);
    isDown = false;
    await add(recordOf('a', '3'));
    expect(written).toEqual(['1', '2', '3']);
    const lookedAt = ensured();
    expect(await add(recordOf('a', '4'))).toBe(10);
    expect(ensured()).toBe(lookedAt);
  });

  it('of too much the oldest is dropped, and that is told once', async () => {
    let isDown = true;
    const written: unknown[] = [];
    const { add, lines } = rig(async (records) => {
      if (isDown) throw new Error('away');
      written.push(...records.map(({ value }) => value));
    });
    const all = Array.from({ length: 10_005 }, (_, i) => recordOf('a', `${i}`));
    await add(...all.slice(0, 10_002));
    await add(...all.slice(10_002));
    expect(lines.map(({ msg }) => msg)).toEqual(['too much waits: the oldest are dropped']);
    isDown = false;
    await add(recordOf('b', 'other'));
    expect(written.filter((value) => value !== 'other')).toEqual(
      all.slice(5).map(({ value }) => value),
    );
  });

  it('a record that is refused for good is dropped, and those beside it are not sent again', async () => {
    const sent: unknown[] = [];
    const { add, lines } = rig(async (records) => {
      sent.push(...records.map(({ value }) => value));
      const large = records.filter(({ value }) => value === 'large');
      if (large.length === 0) return;
      throw new RecordsRefused(large, new WindrowError('refused', 'too large'));
    });
    await add(recordOf('a', '1'), recordOf('a', 'large'), recordOf('a', '2'));
    await add(recordOf('a', '3'));
    expect(sent).toEqual(['1', 'large', '2', '3']);
    expect(lines).toMatchObject([{ topic: 'a', records: 1 }]);
  });

  it('nobody waits at the end', async () => {
    const { beside, add } = rig(() => after(60_000));
    const adding = beside.add([recordOf('a', '1')], AbortSignal.abort());
    await adding;
    await beside.close();
    expect(await add(recordOf('a', '2'))).toBe(0);
  });
});
