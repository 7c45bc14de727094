/**
 * Two collectors that publish windows of the same servers, as around a change of hands, and read
 * the topic when it suits them: in the end their exports are equal.
 */
import fc from '../../../runtime/testing/property.ts';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { createManualClock, noonMs } from '../../../runtime/testing/manual-clock.ts';
import { WINDOW_RESULTS_TOPIC as topic } from '../../../wire/records/window-result.ts';
import { createMemoryLog } from '../../../wire/transport/log/memory.ts';
import type { LogReader } from '../../../wire/transport/log/port.ts';
import { sourceRow } from '../../ingest/registry.ts';
import { windowRow } from '../../store/testing/rows.ts';
import { ownWaitMs } from './pending.ts';
import { settle, type SharingCollector, startCollector } from './testing/rig.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
});
afterEach(() => {
  vi.useRealTimers();
});

const who = fc.nat({ max: 1 });
/** A window is told by who made it: a number that no other has. */
const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('window' as const),
      who,
      server: fc.constantFrom('a', 'b'),
      slides: fc.nat({ max: 4 }),
      final: fc.boolean(),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom('pause', 'read'), who }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('away' as const), who }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('restart' as const), who }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('pass' as const), who }) },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** A reader that a test holds up. */
function gate() {
  let closed: PromiseWithResolvers<void> | undefined;
  return {
    pause: () => void (closed ??= Promise.withResolvers<void>()),
    read() {
      closed?.resolve();
      closed = undefined;
    },
    through: (reader: LogReader): LogReader => ({
      end: (signal) => reader.end(signal),
      follow: (from, { take, caughtUp }, end) =>
        reader.follow(
          from,
          {
            async take(records) {
              await closed?.promise;
              await take(records);
            },
            caughtUp,
          },
          end,
        ),
    }),
  };
}

async function outcome(steps: readonly Step[]): Promise<(readonly string[])[]> {
  const folder = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'windrow-test-'));
  const clock = createManualClock(noonMs + 600_000);
  const log = createMemoryLog({ topics: { [topic]: 2 }, clock });
  const gates = [gate(), gate()];
  const start = (at: number): SharingCollector =>
    startCollector({
      dataDir: join(folder, String(at)),
      id: `collector-${at}`,
      clock,
      topicLog: { ...log, reader: (name) => gates[at]!.through(log.reader(name)) },
    });
  const collectors = [start(0), start(1)];
  let made = 0;
  const make = async ({ who: at, server, slides, final }: Extract<Step, { kind: 'window' }>) => {
    const { registry, writer, results } = collectors[at]!;
    const named = { serverId: server, replayId: '', originMs: 0 };
    const source = registry.find(server, '') ?? registry.create(named);
    source.isOurs = true;
    source.lastSeenMs = clock.wallMs();
    made += 1;
    const startMs = noonMs + slides * 10_000;
    const window = windowRow({ source: source.sourceNo, startMs, final, samples: made });
    const { group } = writer;
    const state = { engine: { closedThroughMs: null, firstPaneMs: null, newestMsByLane: [] } };
    group.sources.set(source.sourceNo, sourceRow(source, source.checkpoint(state.engine)));
    group.windows.push({ window, skewed: false });
    const committed = writer.committed();
    await vi.advanceTimersByTimeAsync(20);
    await committed;
    const closed = { closedThroughMs: final ? window.endMs : null, firstPaneMs: noonMs };
    results.publish([{ source, window, skewed: false, closed }]);
  };
  try {
    for (const each of steps) {
      if (each.kind === 'window') await make(each);
      else if (each.kind === 'away') log.failSends(2, { written: true });
      else if (each.kind === 'pass') {
        clock.advance(ownWaitMs);
        collectors[each.who]!.results.tick(false);
        await settle();
      } else if (each.kind === 'restart') {
        // What it made is published, as before offsets are committed.
        const published = collectors[each.who]!.results.published(new AbortController().signal);
        await vi.advanceTimersByTimeAsync(10_000);
        await published;
        gates[each.who]!.read();
        await collectors[each.who]!.kill();
        collectors[each.who] = start(each.who);
      } else gates[each.who]![each.kind]();
    }
    for (const each of gates) each.read();
    await vi.advanceTimersByTimeAsync(10_000);
    await settle();
    return collectors.map((collector) => collector.windows());
  } finally {
    for (const collector of collectors) await collector.kill();
    vi.clearAllTimers();
    rmSync(folder, { recursive: true });
  }
}

it('the exports of two collectors are equal after any interleaving', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 20, size: 'max' }), async (steps) => {
      const [one, two] = await outcome(steps);
      expect(two).toEqual(one);
    }),
    { numRuns: 100 },
  );
}, 120_000);
