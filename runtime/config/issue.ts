import type { z } from 'zod';

/**
 * What is wrong with a value, as the rest of a sentence that its key begins. A schema's own words
 * come first; zod's are about JavaScript's types.
 */
export function whatIsWrong(issue: z.core.$ZodIssue | undefined): string {
  if (issue === undefined) return 'is not valid';
  if (!/^(Invalid |Too (big|small): )/.test(issue.message)) return issue.message;
  switch (issue.code) {
    case 'invalid_type':
      return issue.message.endsWith('received undefined')
        ? 'must be given'
        : (expectations[issue.expected] ?? 'is of the wrong type');
    case 'invalid_value':
      return `must be one of ${issue.values.map(String).join(', ')}`;
    case 'too_small':
      return `must ${lengthOrValue(issue.origin)} at least ${issue.minimum}`;
    case 'too_big':
      return `must ${lengthOrValue(issue.origin)} at most ${issue.maximum}`;
    default:
      return 'is of the wrong type';
  }
}

/**
 * An issue whose words name the part of a value that is wrong, so that the value is not told again.
 *
 * @param message with the blank or colon that joins it to its key
 */
export function sayingAll(message: string) {
  return { code: 'custom', message, params: { saysAll: true } } as const;
}

export function saysAll(issue: z.core.$ZodIssue | undefined): boolean {
  return issue?.code === 'custom' && issue.params?.['saysAll'] === true;
}

const expectations: Readonly<Record<string, string>> = {
  array: 'must be a list',
  boolean: 'must be true or false',
  number: 'must be a number',
  object: 'must hold keys and values',
  record: 'must hold keys and values',
  string: 'must be text',
};

function lengthOrValue(origin: string): string {
  return origin === 'string' || origin === 'array' ? 'have a length of' : 'be';
}
