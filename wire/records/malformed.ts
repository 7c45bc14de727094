import type { z } from 'zod';
import type { Decoded } from './decoded.ts';

/** The first thing that is wrong with a value, as `field: what`. */
export function malformed(format: string, error: z.ZodError): Decoded {
  const issue = error.issues[0];
  const field = issue === undefined ? '' : issue.path.join('.');
  return {
    kind: 'malformed',
    reason: `${format}${field === '' ? '' : ` ${field}`}: ${issue?.message ?? 'not valid'}`,
  };
}
