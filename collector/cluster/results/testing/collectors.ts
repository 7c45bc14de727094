/** Some collectors that share a topic, for one test; they end with it. */
import { afterEach, beforeEach, vi } from 'vitest';
import { createManualClock, noonMs } from '../../../../runtime/testing/manual-clock.ts';
import { temporaryFolder } from '../../../../runtime/testing/temporary-folder.ts';
import {
  WINDOW_RESULTS_TOPIC as topic,
  type WindowResult,
} from '../../../../wire/records/window-result.ts';
import { createMemoryLog, type MemoryLog } from '../../../../wire/transport/log/memory.ts';
import type { LogReader } from '../../../../wire/transport/log/port.ts';
import { conditionOf } from '../../../api/figures.ts';
import { type CollectorOptions, type SharingCollector, startCollector } from './rig.ts';

interface StartOptions extends Partial<Pick<CollectorOptions, 'dataDir' | 'windows'>> {
  readonly through?: (reader: LogReader) => LogReader;
}

/** Each test of the file has fake timers, and its collectors stop after it. */
export function useCollectors() {
  const running = new Set<SharingCollector>();
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  });
  afterEach(async () => {
    const collectors = [...running];
    running.clear();
    for (const { db, results } of collectors) {
      const stopped = results.stop();
      // A slow reader may have to come to its end.
      await vi.advanceTimersByTimeAsync(10_000);
      await stopped;
      if (db.isOpen) db.close();
    }
    vi.useRealTimers();
  });
  return function fixture(topicLog?: MemoryLog) {
    // Behind all samples: a watermark does not pass the clock.
    const clock = createManualClock(noonMs + 120_000);
    const log = topicLog ?? createMemoryLog({ topics: { [topic]: 3 }, clock });
    /** `through`: its reader, as the test wants it. */
    const start = (
      id: string,
      {
        dataDir = temporaryFolder(),
        through = (reader: LogReader) => reader,
        windows = {},
      }: StartOptions = {},
    ): SharingCollector => {
      const reader: MemoryLog['reader'] = (name) => through(log.reader(name));
      const collector = startCollector({
        dataDir,
        id,
        topicLog: { ...log, reader },
        clock,
        windows,
      });
      running.add(collector);
      return collector;
    };
    return { clock, log, start };
  };
}

/** What is in the topic, tombstones as null. */
export function published(log: MemoryLog): WindowResult[] {
  return log
    .records(topic)
    .map(({ value }) => JSON.parse(value?.toString() ?? 'null') as WindowResult);
}

export function serverOf({ registry }: SharingCollector, name = 'pc') {
  const source = registry.find(name, '');
  if (source === undefined) throw new Error(`no ${name}`);
  return source;
}

export function stateOf(collector: SharingCollector, clock: { wallMs(): number }, name?: string) {
  return conditionOf(serverOf(collector, name), clock.wallMs());
}

/** For `append`: as if another collector had published it. */
export function recordOf(result: WindowResult) {
  const { server_id, source } = result;
  const key = Buffer.from(source === undefined ? server_id : `${server_id}\t${source}`);
  return { topic, partition: 0, key, value: Buffer.from(JSON.stringify(result)) };
}
