import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import type { RawRecord } from '../../wire/records/record.ts';
import type { BatchSender } from '../../wire/transport/port.ts';
import { datedSourceId } from './dating.ts';
import { readReplayFile } from './file.ts';
import { replay } from './replay.ts';
import type { SourceState } from './target.ts';

const never = new AbortController().signal;
const header = 'ts,server_id,cpu_pct,mem_pct';
const noonMs = Date.UTC(2026, 10, 20, 12);
const dayMs = 24 * 3_600_000;

function fileOf(...times: string[]): { path: string; sha256: string } {
  const folder = mkdtempSync(join(tmpdir(), 'windrow-replay-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'rows.csv');
  const text = [header, ...times.map((time) => `${time},pc,1,2`), ''].join('\n');
  writeFileSync(path, text);
  return { path, sha256: createHash('sha256').update(text).digest('hex') };
}

interface Sent {
  readonly boot_id: string;
  readonly origin_ms: number;
  readonly ts?: number;
}

/** One replay at a time of its own, to Kafka unless there is a collector to ask. */
async function sentAt(
  nowMs: number,
  path: string,
  {
    day,
    stateOf,
  }: { day?: string; stateOf?: (sourceId: string) => Promise<SourceState | undefined> } = {},
) {
  vi.useFakeTimers({ toFake: ['Date'], now: nowMs });
  onTestFinished(() => void vi.useRealTimers());
  const sent: Sent[] = [];
  const sender: BatchSender = {
    async send({ records }) {
      sent.push(...(records as RawRecord[]).map(({ value }) => value as Sent));
      return { stored: records.length, duplicates: 0, quarantined: 0, now: nowMs };
    },
    close: async () => {},
  };
  const file = await readReplayFile(path, day, never);
  const { sourceId } = await replay(
    stateOf === undefined ? { sender } : { sender, stateOf },
    file,
    {
      pace: { kind: 'max' },
      wait: false,
      signal: never,
      tell: () => {},
      onStart: () => {},
    },
  );
  const origins = new Set(sent.map(({ origin_ms }) => origin_ms));
  const sources = new Set(sent.map(({ boot_id }) => boot_id));
  expect([sources, origins.size]).toEqual([new Set([sourceId]), 1]);
  const [originMs] = origins;
  const times = sent.flatMap(({ ts }) => ts ?? []).map((ts) => new Date(ts).toISOString());
  return { sourceId, originMs, times };
}

describe('on Kafka, where nobody is asked', () => {
  it('a file of times of day that gets other dates is another source: collectors take one origin of each', async () => {
    const { path, sha256 } = fileOf('20:52:00', '20:52:01');
    const first = await sentAt(noonMs, path);
    expect(first.times[0]).toBe('2026-11-20T20:52:00.000Z');
    const across = await sentAt(noonMs + dayMs, path);
    expect(across.times[0]).toBe('2026-11-21T20:52:00.000Z');
    expect(across.sourceId).not.toBe(first.sourceId);
    expect([first.sourceId, across.sourceId]).not.toContain(sha256);
  });

  it('across midnight the same date is the same source', async () => {
    const { path } = fileOf('20:52:00', '20:52:01');
    const before = await sentAt(Date.UTC(2026, 10, 20, 23, 59), path);
    expect(await sentAt(Date.UTC(2026, 10, 21, 0, 1), path)).toEqual(before);
  });

  it('--day gives the same dates, and the same source, on any day', async () => {
    const { path, sha256 } = fileOf('23:59:59', '00:00:01');
    const first = await sentAt(noonMs, path);
    const day = first.times[0]?.slice(0, 10) ?? '';
    expect(await sentAt(noonMs + 100 * dayMs, path, { day })).toEqual(first);
    expect(first.sourceId).toBe(datedSourceId(sha256, Date.parse(day)));
    expect(first.times[1]).toBe('2026-11-21T00:00:01.000Z');
  });

  it('a file with dates of its own is called by its hash, also where later rows have none', async () => {
    const { path, sha256 } = fileOf('2026-01-01T10:00:00Z', '10:00:01');
    const first = await sentAt(noonMs, path);
    expect(first.sourceId).toBe(sha256);
    expect(await sentAt(noonMs + 100 * dayMs, path)).toEqual(first);
    await expect(sentAt(noonMs, path, { day: '2026-01-01' })).rejects.toMatchObject({
      code: 'usage',
      message: `--day: the times in ${path} have dates`,
    });
  });

  it('rows before the first one with a date get one of ours, near to now, and so does the name', async () => {
    const { path, sha256 } = fileOf('20:00:00', '2026-01-01T10:00:00Z', '10:00:01');
    const { sourceId, times } = await sentAt(noonMs, path);
    expect(times).toEqual([
      '2026-11-20T20:00:00.000Z',
      '2026-01-01T10:00:00.000Z',
      '2026-01-01T10:00:01.000Z',
    ]);
    expect(sourceId).toBe(datedSourceId(sha256, Date.UTC(2026, 10, 20)));
  });
});

describe('to a collector', () => {
  const state = (origin: string) => async (): Promise<SourceState> => ({
    origin_ms: Date.parse(origin),
    closed: false,
  });

  it('a file keeps the date that the collector knows, under its hash', async () => {
    const { path, sha256 } = fileOf('20:52:00');
    const stateOf = state('2026-11-03T20:52:00Z');
    const { sourceId, times } = await sentAt(noonMs, path, { stateOf });
    expect([sourceId, times]).toEqual([sha256, ['2026-11-03T20:52:00.000Z']]);
    expect(await sentAt(noonMs, path, { stateOf, day: '2026-11-03' })).toMatchObject({ times });
  });

  it('--day is refused where the collector has the file with another date, which is told', async () => {
    const { path } = fileOf('20:52:00');
    const stateOf = state('2026-11-03T20:52:00Z');
    await expect(sentAt(noonMs, path, { stateOf, day: '2026-11-04' })).rejects.toMatchObject({
      code: 'usage',
      message: '--day: the collector has this file as of 2026-11-03',
      hint: expect.stringContaining('--day 2026-11-03') as string,
    });
  });

  it('--day dates a file that it does not know', async () => {
    const { path, sha256 } = fileOf('20:52:00');
    const stateOf = async (): Promise<undefined> => undefined;
    const { sourceId, times } = await sentAt(noonMs, path, { stateOf, day: '2025-01-31' });
    expect([sourceId, times]).toEqual([sha256, ['2025-01-31T20:52:00.000Z']]);
  });

  it('of rows with dates and rows without, the origin stays as known', async () => {
    const { path } = fileOf('20:00:00', '2026-11-10T00:00:00Z');
    for (const origin of ['2026-11-05T20:00:00Z', '2026-11-10T00:00:00Z']) {
      const { originMs } = await sentAt(noonMs, path, { stateOf: state(origin) });
      expect(originMs).toBe(Date.parse(origin));
    }
    // Its clock was put back since.
    const stateOf = state('2026-11-10T00:00:00Z');
    const { originMs, times } = await sentAt(noonMs - 18 * dayMs, path, { stateOf });
    expect(originMs).toBe(Date.parse('2026-11-10T00:00:00Z'));
    expect(times[0]).toBe('2026-11-10T20:00:00.000Z');
  });
});
