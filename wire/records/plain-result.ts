/**
 * Window results, checked by hand: a collector reads those of all others, and the schema's checks of
 * some sixty fields cost more than all else that is done with one. What is not plainly right goes to
 * the schema, which also says what is wrong.
 */
import {
  nameCharsMax,
  ownerUrlCharsMax,
  partitionsMax,
  timestampMsMax,
  windowMsMax,
} from '../limits.ts';
import { METRICS } from '../metrics.ts';
import { inert, isPlainUrl } from './fields.ts';
import {
  areRight,
  type Check,
  checks,
  type Fields,
  isBootId,
  isMeasured,
  isOwnVersion,
  isSeq,
  isServerId,
  isTimestamp,
  NONE,
} from './plain-fields.ts';
import { SERVER_STATES } from './server-states.ts';

const STATES: ReadonlySet<unknown> = new Set(SERVER_STATES);
const isFlag: Check = (value) => typeof value === 'boolean';
const isCount: Check = (value) => isSeq(value) && value !== 0 && !Object.is(value, -0);
const isQuantile: Check = (value) => value === null || isMeasured(value);
const isWindowTime: Check = (value) =>
  Number.isSafeInteger(value) && Number(value) >= -windowMsMax && Number(value) <= timestampMsMax;
const isWindowTimeOrNull: Check = (value) => value === null || isWindowTime(value);

const FIGURES = checks({
  count: isCount,
  sum: Number.isFinite,
  min: isMeasured,
  max: isMeasured,
  avg: isMeasured,
  last: isMeasured,
  p50: isQuantile,
  p95: isQuantile,
  p99: isQuantile,
});
const METRIC_FIGURES = checks(Object.fromEntries(METRICS.map((metric) => [metric, areFigures])));
const OWNER = checks({
  id: (value) =>
    typeof value === 'string' &&
    value !== '' &&
    value.length <= nameCharsMax &&
    inert(value) === value,
  run: isBootId,
  url: isOwnersUrl,
  server_no: isCount,
});
const OPTIONAL = checks({ source: isBootId, lacks_before_ms: isWindowTime });
const REQUIRED = checks({
  v: isOwnVersion,
  server_id: isServerId,
  origin_ms: isTimestamp,
  start_ms: isWindowTime,
  end_ms: isWindowTime,
  samples: isCount,
  final: isFlag,
  incomplete: isFlag,
  warm_up: isFlag,
  skewed: isFlag,
  metrics: (value) => areRight(value, NONE, METRIC_FIGURES),
  closed_through_ms: isWindowTimeOrNull,
  first_pane_ms: isWindowTimeOrNull,
  state: (value) => STATES.has(value),
  clock_offset_ms: (value) => value === null || isMeasured(value),
  last_seen_ms: isTimestamp,
  slot: (value) => value === null || (isSeq(value) && Number(value) <= partitionsMax),
  owner: (value) => areRight(value, OWNER),
});

/** Never true of what `windowResultSchema` refuses, or would change. @param value made of JSON */
export function isPlainResult(value: unknown): boolean {
  if (!areRight(value, REQUIRED, OPTIONAL)) return false;
  const { start_ms, end_ms, final, closed_through_ms: closed } = value as Fields;
  const lengthMs = Number(end_ms) - Number(start_ms);
  if (lengthMs <= 0 || lengthMs > windowMsMax) return false;
  return final === false || (closed !== null && Number(closed) >= Number(end_ms));
}

function areFigures(value: unknown): boolean {
  if (!areRight(value, FIGURES)) return false;
  const { min, max } = value as Fields;
  return Number(min) <= Number(max);
}

/** The last one that was right: collectors are few, and taking an address apart is dear. */
let rightUrl = '';

function isOwnersUrl(value: unknown): boolean {
  if (value === rightUrl) return true;
  if (typeof value !== 'string' || value.length > ownerUrlCharsMax || !isPlainUrl(value)) {
    return false;
  }
  rightUrl = value;
  return true;
}
