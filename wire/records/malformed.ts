import type { z } from 'zod';
import type { Decoded } from './decoded.ts';
import { inert } from './fields.ts';

/** The first thing that is wrong with a value, as `field: what`. */
export function malformed(format: string, error: z.ZodError): Decoded {
  const issue = error.issues[0];
  // A name that the sender chose may be part of it.
  const field = issue === undefined ? '' : inert(issue.path.join('.'));
  return {
    kind: 'malformed',
    reason: `${format}${field === '' ? '' : ` ${field}`}: ${issue?.message ?? 'not valid'}`,
  };
}
