/** Seconds since the machine started, time asleep included, from /proc/uptime (proc(5)). */
import { markUnavailable, type Source } from '../source.ts';
import type { KeptFile } from './kept-file.ts';

const metrics = ['uptime_s'] as const;

export function uptimeSource(file: KeptFile): Source {
  return {
    metrics,
    read(draft) {
      const seconds = file.read().decimal();
      if (Number.isNaN(seconds)) markUnavailable(draft, metrics, 'not a number in /proc/uptime');
      else draft.uptime_s = seconds;
    },
    close: () => file.close(),
  };
}
