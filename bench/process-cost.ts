/** What a process and all that it started cost, from /proc (proc(5)). */
import { readdirSync, readFileSync } from 'node:fs';

export interface Cost {
  /** CPU time since it began, of children that ended too. */
  readonly cpuS: number;
  readonly rssBytes: number;
}

interface Stat {
  readonly parent: number;
  readonly ticks: number;
  readonly pages: number;
}

const ticksPerSecond = 100;
const pageBytes = 4096;

/** Cost of each root with its living descendants, all of one look. */
export function costsOf(roots: readonly number[]): Map<number, Cost> {
  const stats = new Map<number, Stat>();
  for (const name of readdirSync('/proc')) {
    const pid = Number(name);
    const stat = Number.isInteger(pid) ? statOf(pid) : undefined;
    if (stat !== undefined) stats.set(pid, stat);
  }
  const costs = new Map<number, Cost>();
  for (const root of roots) {
    const family = [...stats].filter(([pid]) => descendsFrom(stats, pid, root));
    costs.set(root, {
      cpuS: sum(family.map(([, { ticks }]) => ticks)) / ticksPerSecond,
      rssBytes: sum(family.map(([, { pages }]) => pages)) * pageBytes,
    });
  }
  return costs;
}

function statOf(pid: number): Stat | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    const ticks = sum(fields.slice(11, 15).map(Number));
    return { parent: Number(fields[1]), ticks, pages: Number(fields[21]) };
  } catch {
    // It ended meanwhile.
    return undefined;
  }
}

function descendsFrom(stats: ReadonlyMap<number, Stat>, pid: number, root: number): boolean {
  for (let at: number | undefined = pid; at !== undefined; at = stats.get(at)?.parent) {
    if (at === root) return true;
  }
  return false;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
