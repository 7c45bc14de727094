import { assert } from '../assert.ts';
import { FleetMerger, type FleetWindow } from '../fleet.ts';
import type { ServerWindow } from '../window.ts';

export type FleetInput = Pick<ServerWindow, 'startMs' | 'endMs' | 'samples' | 'aggregates'>;

/** One window of the fleet from those of its servers; null without any. */
export function mergeFleet(windows: readonly FleetInput[]): FleetWindow | null {
  const [first] = windows;
  if (!first) return null;
  const { startMs, endMs } = first;
  const merger = new FleetMerger();
  for (const window of windows) {
    assert(window.startMs === startMs && window.endMs === endMs, 'a fleet shares one window');
    merger.addServer(window.samples, window.aggregates.length);
    window.aggregates.forEach((figures, metric) => {
      if (figures) merger.addMetric(metric, figures.sum, figures.max, figures.avg);
    });
  }
  return merger.merged(startMs, endMs);
}
