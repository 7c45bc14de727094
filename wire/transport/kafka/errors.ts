/**
 * What went wrong at a broker, in words of windrow: one sentence, and the setting or right that mends it.
 *
 * Nearly all of it may mend by itself or by somebody's hand, so it is retryable: what waits is kept.
 * Only a record that the broker finds too large will never be taken.
 */
import { messageOf, WindrowError } from '../../../runtime/errors.ts';
import { namesOf } from './names.ts';
import {
  allowHint,
  brokersSetting,
  type Known,
  knownOf,
  startingReasons,
  TLS_CODES,
} from './words.ts';

/** Where nobody has words for it. */
const unknownHint =
  'If that goes on, look into the logs of the brokers; doctor checks each part of the way to them.';

/** What was tried, for the error's sentence and the right that it needs. */
export interface Attempt {
  /** `samples cannot be sent`. */
  readonly what: string;
  /** The ACL without which the broker refuses it. */
  readonly right?: string | undefined;
}

interface Cause {
  readonly code?: unknown;
  readonly apiId?: unknown;
  /** Ours: its words. */
  readonly known?: unknown;
  readonly message: string;
  /** Ours, `host:port`: who was asked. */
  readonly broker?: unknown;
  /** Ours, `--to`: the flag that names the brokers. */
  readonly brokersFlag?: unknown;
  /** The library's: what brokers that took all of theirs said, and what one said that did not. */
  readonly produced?: { readonly offsets?: readonly Produced[] };
  readonly response?: { readonly responses?: readonly TopicResponse[] };
}

interface Produced {
  readonly topic: string;
  readonly partition: number;
}

interface TopicResponse {
  readonly name?: string;
  readonly partitionResponses?: readonly { readonly index: number; readonly errorCode: number }[];
}

/** The error as WindrowError; one that already is stays as it is. */
export function kafkaError(error: unknown, { what, right }: Attempt): WindrowError {
  if (error instanceof WindrowError) return error;
  const causes = causesOf(error);
  // The innermost says best what it was: a login that fails may be for want of TLS.
  const found = causes.map((cause) => knownOf(cause)).findLast((known) => known !== undefined);
  const deepest = causes.at(-1)?.message ?? messageOf(error);
  const known = found ?? { code: 'unreachable', sentence: oneLine(deepest), hint: unknownHint };
  const advice = adviceOf(known, { right, brokers: brokersIn(causes) });
  const hint = advice?.replaceAll(brokersSetting, `${flagIn(causes)} (brokers)`);
  return new WindrowError(known.code, `${what}: ${known.sentence}`, {
    cause: error,
    retryable: known.refused !== true,
    ...(hint === undefined ? {} : { hint }),
    ...(known.isOfBroker === true || known.isOfSettings === true ? { fault: known.sentence } : {}),
    ...(known.graceMs === undefined ? {} : { graceMs: known.graceMs }),
  });
}

function adviceOf(
  { code, hint, isOfBroker = false }: Known,
  { right, brokers }: { readonly right: string | undefined; readonly brokers: readonly string[] },
): string | undefined {
  if (hint === undefined && code === 'unauthorized' && right !== undefined) {
    return allowHint(right);
  }
  if (hint === undefined || !isOfBroker || brokers.length === 0) return hint;
  return `${hint} Asked: ${namesOf(brokers)}.`;
}

/** Whom the requests went to that failed, as far as it is known. */
function brokersIn(causes: readonly Cause[]): string[] {
  const found = causes.flatMap(({ broker, message }) => {
    if (typeof broker === 'string') return [broker];
    return /^Connection to (\S+) (?:failed|timed out)\.$/.exec(message)?.[1] ?? [];
  });
  return [...new Set(found)];
}

/** By which flag the verb takes brokers: `run` and `doctor` have --kafka. */
function flagIn(causes: readonly Cause[]): string {
  const flags = causes.map(({ brokersFlag }) => brokersFlag);
  return flags.find((flag) => typeof flag === 'string') ?? '--kafka';
}

/** Whether the brokers have just begun, or make the place for a cluster's first group: it passes. */
export function isStarting(error: unknown): boolean {
  return hasReason(error, ...startingReasons);
}

/** Whether the broker gave this as a reason, `OFFSET_OUT_OF_RANGE`, anywhere in the error. */
export function hasReason(error: unknown, ...reasons: readonly string[]): boolean {
  return causesOf(error).some(({ apiId }) => typeof apiId === 'string' && reasons.includes(apiId));
}

/**
 * The library throws an answer away when a part of it is an error; all of it is in that.
 * @returns undefined where there was no answer
 */
export function answerIn(error: unknown): unknown {
  return error instanceof Error && 'response' in error ? error.response : undefined;
}

/**
 * Of a request to write that failed: the partitions that took their part all the same, as
 * `topic/partition`.
 */
export function writtenIn(error: unknown): ReadonlySet<string> {
  const written = new Set<string>();
  for (const { produced, response } of causesOf(error)) {
    for (const { topic, partition } of produced?.offsets ?? [])
      written.add(`${topic}/${partition}`);
    for (const { name, partitionResponses = [] } of response?.responses ?? []) {
      for (const { index, errorCode } of partitionResponses) {
        if (errorCode === 0) written.add(`${name}/${index}`);
      }
    }
  }
  return written;
}

/** Whether it failed before anything of Kafka was said. */
export function isTlsTrouble(error: unknown): boolean {
  return causesOf(error).some(
    ({ code, message }) =>
      TLS_CODES.has(String(code)) || /TLS|certificate|wrong version number|EPROTO/i.test(message),
  );
}

/** The error, what it consists of, and what caused it: outermost first. */
function causesOf(error: unknown): Cause[] {
  const found: Cause[] = [];
  const waiting = [error];
  while (waiting.length > 0) {
    const next = waiting.shift();
    if (!(next instanceof Error) || found.includes(next)) continue;
    found.push(next);
    if ('errors' in next && Array.isArray(next.errors)) waiting.push(...(next.errors as unknown[]));
    waiting.push(next.cause);
  }
  return found;
}

function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, ' ').replace(/\.$/, '').slice(0, 300);
}
