/** What decoders of JSON records share. */
import type { z } from 'zod';
import { inert } from './fields.ts';

/** Undefined, which no schema takes, for what is no JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** The first thing that is wrong, with the field's name before it. */
export function explain(error: z.ZodError): string {
  const issue = error.issues[0];
  // A name that the sender chose may be part of it.
  const field = inert(issue?.path.join('.') ?? '');
  return `${field === '' ? '' : `${field}: `}${issue?.message ?? 'not valid'}`;
}
