/** The file of a replay: read once before anything is sent, with the dates of its times of day. */
import { WindrowError } from '../../runtime/errors.ts';
import { type CsvScan, scanSeedACsv } from '../../wire/compat/seed-a-csv.ts';
import {
  datedSourceId,
  dayAsKnown,
  dayGiven,
  dayText,
  midnightBefore,
  nearestDay,
} from './dating.ts';
import type { ReplayTarget } from './target.ts';

/** A file that can be replayed. */
export interface ReplayFile {
  readonly path: string;
  readonly scan: CsvScan;
  /** Midnight (UTC) of the day that times of day begin with. */
  readonly firstDayMs: number;
  /** It was asked for. */
  readonly isDayGiven: boolean;
}

/** As the target has it, or gets it. */
export interface DatedFile extends ReplayFile {
  readonly sourceId: string;
}

/**
 * Times of day get the date nearest to now, or the one that is asked for.
 * @param day `YYYY-MM-DD`
 * @throws WindrowError `usage`, naming the flag; `input` when no row can be read
 */
export async function readReplayFile(
  path: string,
  day: string | undefined,
  signal: AbortSignal,
): Promise<ReplayFile> {
  const isDayGiven = day !== undefined;
  const nowMs = Date.now();
  const firstDayMs = isDayGiven ? dayGiven(day) : midnightBefore(nowMs);
  const scan = await scanSeedACsv(path, { firstDayMs, signal });
  const file = { path, scan, firstDayMs, isDayGiven };
  const { undatedOriginMs } = scan;
  if (!isDayGiven) {
    if (undatedOriginMs === undefined) return file;
    return redated(file, nearestDay(firstDayMs, undatedOriginMs, nowMs), signal);
  }
  if (undatedOriginMs !== undefined) return file;
  throw new WindrowError('usage', `--day: the times in ${path} have dates`, {
    hint: 'Leave --day out: it is for times of day, HH:MM:SS.',
  });
}

/**
 * A source that the target knows already keeps the dates that it has.
 * @throws WindrowError `usage` when others were asked for
 */
export async function datedFor(
  { stateOf }: ReplayTarget,
  file: ReplayFile,
  signal: AbortSignal,
): Promise<DatedFile> {
  const { scan, firstDayMs, isDayGiven } = file;
  const { sha256: sourceId, undatedOriginMs } = scan;
  const known = await stateOf?.(sourceId, signal);
  if (undatedOriginMs === undefined) return { ...file, sourceId };
  if (stateOf === undefined) return { ...file, sourceId: datedSourceId(sourceId, firstDayMs) };
  if (known === undefined || known.origin_ms === scan.originMs) return { ...file, sourceId };
  const knownDayMs = dayAsKnown(firstDayMs, undatedOriginMs, known.origin_ms);
  if (!isDayGiven) return { ...(await redated(file, knownDayMs, signal)), sourceId };
  const knownDay = dayText(knownDayMs);
  throw new WindrowError('usage', `--day: the collector has this file as of ${knownDay}`, {
    hint: `A collector has a file once. Give --day ${knownDay}, or leave it out.`,
  });
}

async function redated(
  file: ReplayFile,
  firstDayMs: number,
  signal: AbortSignal,
): Promise<ReplayFile> {
  if (firstDayMs === file.firstDayMs) return file;
  return { ...file, firstDayMs, scan: await scanSeedACsv(file.path, { firstDayMs, signal }) };
}
