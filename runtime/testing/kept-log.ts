/** A logger whose lines a test can read. */
import { pino } from 'pino';
import type { Logger } from '../logging.ts';

export interface LogLine {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly msg: string;
  readonly [key: string]: unknown;
}

export function createKeptLog(): { readonly log: Logger; readonly lines: readonly LogLine[] } {
  const lines: LogLine[] = [];
  const options = {
    level: 'debug',
    base: null,
    timestamp: false,
    formatters: { level: (level: string) => ({ level }) },
  };
  const log = pino(options, { write: (text) => void lines.push(JSON.parse(text) as LogLine) });
  return { log, lines };
}
