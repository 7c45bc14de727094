/** Times as people type them. */
import { WindrowError } from '../../runtime/errors.ts';
import { timestampMsMax } from '../../wire/limits.ts';
import type { Span } from '../store/queries.ts';

const UNITS_MS: Readonly<Record<string, number>> = {
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/**
 * `2026-01-31T12:00:00Z` (UTC when no zone is given), a date, epoch milliseconds, or how long ago
 * (`90m`, `24h`, `7d`). @throws WindrowError `usage` naming the flag
 */
function parseTime(flag: string, text: string, nowMs: number): number {
  const ago = /^(\d+)([smhd])$/.exec(text);
  if (ago !== null) return nowMs - Number(ago[1]) * (UNITS_MS[ago[2] ?? ''] ?? 0);
  if (/^\d{12,14}$/.test(text)) return Number(text);
  const iso = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?)?(Z|[+-]\d\d:?\d\d)?$/.exec(text);
  const ms = iso === null ? Number.NaN : Date.parse(withZone(text, iso[1], iso[4]));
  if (!Number.isNaN(ms)) return ms;
  throw new WindrowError('usage', `${flag}: ${text} is no time`, {
    hint: 'Give 2026-01-31T12:00:00Z, a date, epoch milliseconds, or how long ago: 90m, 24h, 7d.',
  });
}

/** What `--from` and `--to` say; all there is without them. @throws WindrowError `usage` */
export function spanOf({ from, to }: { from?: string | undefined; to?: string | undefined }): Span {
  const nowMs = Date.now();
  const fromMs = from === undefined ? 0 : parseTime('--from', from, nowMs);
  const toMs = to === undefined ? timestampMsMax : parseTime('--to', to, nowMs);
  if (fromMs >= toMs) throw new WindrowError('usage', '--from is not before --to');
  return { fromMs, toMs };
}

/** Without a zone a time is UTC, like everything that windrow stores. */
function withZone(text: string, time: string | undefined, zone: string | undefined): string {
  return time === undefined || zone !== undefined ? text : `${text}Z`;
}
