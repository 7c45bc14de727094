/** Field schemas that several records share. All of them refuse what a hostile sender would try. */
import { z } from 'zod';
import {
  bootIdCharsMax,
  metricAbsMax,
  nameCharsMax,
  reasonCharsMax,
  serverIdCharsMax,
  timestampMsMax,
} from '../limits.ts';

export const visiblePattern = /^[^\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]+$/u;
export const bootIdPattern = /^[A-Za-z0-9_-]+$/;

/** A server's name: visible characters only, so that it cannot forge a log line or a table row. */
export const serverId = z
  .string()
  .min(1, 'must not be empty')
  .regex(/\S/, 'must not be blank')
  .max(serverIdCharsMax, `must have at most ${serverIdCharsMax} characters`)
  .regex(visiblePattern, 'must have visible characters only');

export const bootId = z
  .string()
  .min(1)
  .max(bootIdCharsMax)
  .regex(bootIdPattern, 'must have letters, digits, _ and - only');

/** Milliseconds since the epoch, UTC. */
export const timestampMs = z.number().int().min(0).max(timestampMsMax);

export const seq = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);

/** A measured number; JSON has no NaN, and an infinite value does not pass. */
export const measured = z.number().min(-metricAbsMax).max(metricAbsMax);
/** A measured number that cannot be below zero. */
export const amount = z.number().min(0).max(metricAbsMax);
export const percent = z.number().min(0).max(100);
/** What acts where a text is shown: control characters, line separators, marks that turn its direction, half characters. */
const acting = /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}\p{Cs}]/gu;

/** The text with U+FFFD for what would act in a terminal, a table or a message, so that nothing behind it need know. */
export function inert(text: string): string {
  return text.replace(acting, '\u{FFFD}');
}

/** A name that some kernel or program chose. */
export const name = z.string().max(nameCharsMax).overwrite(inert);
/** Why something is not there. */
export const reason = z.string().max(reasonCharsMax).overwrite(inert);

/** A link that a page shows: nothing but a place on the web, without a password in it. */
export function plainUrl(charsMax: number) {
  return z.string().max(charsMax).refine(isPlainUrl, 'is not a plain http or https address');
}

export function isPlainUrl(text: string): boolean {
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol)) return false;
  return url.username === '' && url.password === '' && url.hash === '' && url.search === '';
}
