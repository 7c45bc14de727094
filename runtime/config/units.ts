/** Value kinds of settings: each takes what YAML gives and the text that a flag or variable gives. */
import { z } from 'zod';
import { sayingAll } from './issue.ts';

const DURATION_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};
const SIZE_BYTES: Readonly<Record<string, number>> = {
  B: 1,
  KiB: 1024,
  MiB: 1024 ** 2,
  GiB: 1024 ** 3,
  TiB: 1024 ** 4,
};

function withUnit(text: string, units: Readonly<Record<string, number>>): number | undefined {
  const match = /^(\d+(?:\.\d+)?)\s*([A-Za-z]+)$/.exec(text.trim());
  const factor = match?.[2] === undefined ? undefined : units[match[2]];
  return factor === undefined ? undefined : Math.round(Number(match?.[1]) * factor);
}

function quantity(kind: string, example: string, units: Readonly<Record<string, number>>) {
  return (minimum: string, maximum: string) => {
    const least = withUnit(minimum, units) ?? 0;
    const most = withUnit(maximum, units) ?? 0;
    const form = `must be a ${kind} with its unit, such as ${example}`;
    return z.string(form).transform((text, context) => {
      const value = withUnit(text, units);
      if (value !== undefined && value >= least && value <= most) return value;
      context.addIssue(value === undefined ? form : `must be from ${minimum} to ${maximum}`);
      return z.NEVER;
    });
  };
}

/** A duration such as `500ms`, `2s`, `15m`, `24h`, `7d`, within bounds; becomes milliseconds. */
export const duration = quantity('duration', '1s or 24h', DURATION_MS);
/** A size such as `64KiB` or `4GiB`, within bounds; becomes bytes. */
export const size = quantity('size', '256MiB or 4GiB', SIZE_BYTES);

/** A whole number within bounds, or its text. */
export function whole(least: number, most: number) {
  return z.union([z.number(), z.string()]).transform((input, context) => {
    const value = typeof input === 'number' ? input : /^\d+$/.test(input) ? Number(input) : NaN;
    if (Number.isInteger(value) && value >= least && value <= most) return value;
    context.addIssue(`must be a whole number from ${least} to ${most}`);
    return z.NEVER;
  });
}

/** True or false, or its text. */
export const yesOrNo = z.union([z.boolean(), z.string()]).transform((input, context) => {
  const value = { true: true, false: false }[String(input)];
  if (value !== undefined) return value;
  context.addIssue('must be true or false');
  return z.NEVER;
});

/**
 * A YAML list of texts, or one text with commas; there may be empty ones in it.
 *
 * @param form what is told where it is neither
 */
export function texts(form: string) {
  return z
    .union([z.array(z.string()), z.string()], form)
    .transform((input) =>
      (typeof input === 'string' ? input.split(',') : input).map((text) => text.trim()),
    );
}

/** A list of words: a YAML list, or text with commas. */
export const words = texts('must be a list of words, or text with commas').transform((list) =>
  list.filter((word) => word !== ''),
);

/** An http or https address of a collector, without path. */
export const collectorUrl = z.string().transform((text, context) => {
  const url = URL.parse(text);
  if (url !== null && (url.protocol === 'http:' || url.protocol === 'https:')) {
    if (url.username !== '' || url.password !== '') {
      context.addIssue('must not hold a password: the token goes into a file (token_file)');
      return z.NEVER;
    }
    return url.origin;
  }
  if (url?.protocol === 'kafka:') {
    context.addIssue(
      sayingAll(' is for a collector; for Kafka: --kafka host:port (transport: kafka and brokers)'),
    );
    return z.NEVER;
  }
  context.addIssue('must be an address such as http://192.168.1.10:7861');
  return z.NEVER;
});
