/** Bytes of a page of memory, the unit of a process's resident size in /proc/PID/stat. */
import { readFileSync } from 'node:fs';
import { pid } from 'node:process';

/**
 * Node asks the C library for the page size and multiplies our own resident pages by it, but does
 * not give it away; dividing by the pages gives it back. The power of two nearest is taken, as
 * pages may come or go between the two readings. auxv(5) and smaps would say it directly, but are
 * closed to an agent that was given capabilities, and smaps may show a huge page first.
 */
export function pageBytes(): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const residentPages = Number(fields[21]);
  return 2 ** Math.round(Math.log2(process.memoryUsage.rss() / residentPages));
}
