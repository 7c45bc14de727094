/** The load averages of 1, 5 and 15 minutes from /proc/loadavg (proc(5)). */
import { markUnavailable, type Source } from '../source.ts';
import type { KeptFile } from './kept-file.ts';

const metrics = ['load1', 'load5', 'load15'] as const;

export function loadSource(file: KeptFile): Source {
  return {
    metrics,
    read(draft) {
      const scan = file.read();
      for (const metric of metrics) {
        const load = scan.decimal();
        if (Number.isNaN(load)) markUnavailable(draft, [metric], 'not a number in /proc/loadavg');
        else draft[metric] = load;
      }
    },
    close: () => file.close(),
  };
}
