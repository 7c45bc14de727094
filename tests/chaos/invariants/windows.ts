/**
 * The final windows are those of the stored samples, by definition (the naive oracle) and by a
 * collector that got them in order and without a fault.
 */
import { isDeepStrictEqual } from 'node:util';
import type { StoredWindow } from '../../../collector/store/history.ts';
import { Oracle } from '../../../collector/windows/testing/oracle.ts';
import { alignDown } from '../../../collector/windows/watermark.ts';
import type { ServerWindow } from '../../../collector/windows/window.ts';
import type { ServerOutcome } from '../outcome.ts';
import { windows as settings } from '../settings.ts';

/** @param uninterrupted windows of the same samples by a collector of its own */
export function windowViolations(
  server: ServerOutcome,
  uninterrupted: readonly StoredWindow[],
): string[] {
  const found = server.windows.filter(({ final }) => final).map(bare);
  const expected = byDefinition(server);
  // A clock that goes back, and samples that come back with an old queue, may make some late.
  if (server.clockStepped || server.losable) return withLateSamples(server, { found, expected });
  return [
    ...differences('by definition', found, throughWatermark(server, expected)),
    ...differences('uninterrupted', found, uninterrupted.filter(({ final }) => final).map(bare)),
  ];
}

/** A window without what says where it is kept. */
type BareWindow = Omit<ServerWindow, 'source'>;

function bare(window: BareWindow): BareWindow {
  const { startMs, endMs, samples, aggregates, final, incomplete, warmUp } = window;
  return { startMs, endMs, samples, aggregates, final, incomplete, warmUp };
}

/** Every window that holds samples. */
function byDefinition({ samples }: ServerOutcome): BareWindow[] {
  const oracle = new Oracle(settings, { source: 0, originMs: 0, replayed: false });
  for (const { tsMs, values } of samples) {
    oracle.add({ tsMs, values: values.map((value) => value ?? Number.NaN) }, 0);
  }
  oracle.finish();
  return oracle.emitted.map(bare);
}

/** Nothing waits any longer, so exactly those are final whose end the watermark has passed. */
function throughWatermark({ samples }: ServerOutcome, all: readonly BareWindow[]): BareWindow[] {
  const newestMs = Math.max(...samples.map(({ tsMs }) => tsMs));
  const throughMs = alignDown(newestMs - settings.latenessMs, 0, settings.slideMs);
  return all.filter(({ endMs }) => endMs <= throughMs);
}

interface Compared {
  readonly found: readonly BareWindow[];
  readonly expected: readonly BareWindow[];
}

/** What is missing from the windows is no more than what was counted late. */
function withLateSamples(server: ServerOutcome, { found, expected }: Compared): string[] {
  const byStart = new Map(expected.map((window) => [window.startMs, window]));
  const wrong: string[] = [];
  let missing = 0;
  for (const window of found) {
    const whole = byStart.get(window.startMs);
    missing += (whole?.samples ?? 0) - window.samples;
    const same = isDeepStrictEqual(window.aggregates, whole?.aggregates);
    if (whole === undefined || window.samples > whole.samples) {
      wrong.push(`a window has more than its samples: ${shown(window)}, not ${shown(whole)}`);
    } else if (window.samples === whole.samples && !same) {
      wrong.push(`a window is wrong: ${shown(window)}, not ${shown(whole)}`);
    }
  }
  const late = server.accounting?.late ?? 0;
  const windowsOfSample = settings.windowMs / settings.slideMs;
  if (missing > late * windowsOfSample) {
    wrong.push(`${missing} samples are missing from windows, and ${late} came late`);
  }
  return wrong;
}

function differences(
  what: string,
  found: readonly BareWindow[],
  expected: readonly BareWindow[],
): string[] {
  const starts = new Set([...found, ...expected].map(({ startMs }) => startMs));
  return [...starts].flatMap((startMs) => {
    const window = found.find((candidate) => candidate.startMs === startMs);
    const other = expected.find((candidate) => candidate.startMs === startMs);
    if (isDeepStrictEqual(window, other)) return [];
    return [`a window is ${shown(window)}, and ${what} ${shown(other)}`];
  });
}

function shown(window: BareWindow | undefined): string {
  return window === undefined ? 'not there' : JSON.stringify(window);
}
