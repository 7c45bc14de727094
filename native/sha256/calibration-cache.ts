/** The file of measured figures. Whatever is wrong with it, it is as if there were none. */
import { closeSync, openSync, readSync } from 'node:fs';
import type { Rate, Rates } from './choose.ts';
import { ENGINE_NAMES } from './engine.ts';

/** Ten times what is written. */
const fileBytesMax = 4 * 1024;

export interface Cached {
  /** `machineKey` of the machine that was measured. */
  readonly machine: string;
  readonly rates: Rates;
}

export function readCache(path: string): Cached | undefined {
  try {
    const value: unknown = JSON.parse(readStart(path));
    return isCached(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function readStart(path: string): string {
  const fd = openSync(path, 'r');
  try {
    const bytes = Buffer.alloc(fileBytesMax);
    return bytes.toString('utf8', 0, readSync(fd, bytes));
  } finally {
    closeSync(fd);
  }
}

function isCached(value: unknown): value is Cached {
  if (!isObject(value) || typeof value['machine'] !== 'string') return false;
  const { rates } = value;
  return isObject(rates) && ENGINE_NAMES.every((name) => isRate(rates[name]));
}

function isRate(value: unknown): value is Rate {
  if (!isObject(value)) return false;
  const { lanes, oneMbps, fullMbps } = value;
  return [lanes, oneMbps, fullMbps].every((figure) => typeof figure === 'number' && figure > 0);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
