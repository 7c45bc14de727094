/**
 * Other collectors that make windows of another length, or at other times, than this one: a window of
 * the fleet is made of those that begin and end alike, so each would lack the servers of the other.
 */
import type { Logger } from '../../../runtime/logging.ts';
import type { EngineOptions } from '../../windows/engine.ts';
import type { ResultHead } from './own.ts';

/** Warnings remembered; collectors of a group are a few, and each may be set anew some times. */
const toldMax = 1_000;

const hint =
  'Set windows.length and windows.slide alike on all collectors of the group, and start them again.';

export interface OtherWindowsOptions {
  readonly windows: Pick<EngineOptions, 'windowMs' | 'slideMs'>;
  /** Windows that begin before may be of collectors that were set otherwise then. */
  readonly sinceMs: number;
  readonly log: Pick<Logger, 'warn'>;
}

export class OtherWindows {
  readonly #options: OtherWindowsOptions;
  readonly #told = new Set<string>();

  constructor(options: OtherWindowsOptions) {
    this.#options = options;
  }

  /** @param result a window that its owner has made, and not only told again; each difference is told once */
  look(result: ResultHead): void {
    const { windows, sinceMs, log } = this.#options;
    // A replayed file's align to its own beginning.
    if (result.source !== undefined) return;
    // By the server's clock, and by its owner's.
    if (Math.min(result.start_ms, result.last_seen_ms) < sinceMs) return;
    const difference = differenceOf(result, windows);
    if (difference === undefined) return;
    const message = `collector ${result.owner.url} ${difference}: windows of the fleet lack its servers here, and ours there`;
    if (this.#told.has(message) || this.#told.size >= toldMax) return;
    this.#told.add(message);
    log.warn({ hint }, message);
  }
}

/**
 * Of slides the greater is not known from one window; but whoever has that one sees that the other's
 * windows begin in between.
 */
function differenceOf(
  { start_ms: startMs, end_ms: endMs }: ResultHead,
  { windowMs, slideMs }: OtherWindowsOptions['windows'],
): string | undefined {
  const lengthMs = endMs - startMs;
  if (lengthMs !== windowMs) {
    return `makes windows of ${seconds(lengthMs)}, this one of ${seconds(windowMs)} (windows.length)`;
  }
  if (startMs % slideMs === 0) return undefined;
  return `begins windows between those of this one, which begin every ${seconds(slideMs)} (windows.slide)`;
}

function seconds(ms: number): string {
  return `${ms / 1_000} s`;
}
