import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { fileTroubleOf } from './errors.ts';

function troubleOf(path: string): string | undefined {
  try {
    readFileSync(path);
    return undefined;
  } catch (error) {
    return fileTroubleOf(error);
  }
}

it('why a file cannot be read is told in words', () => {
  expect(troubleOf(join(import.meta.dirname, 'nope'))).toBe('there is no such file');
  expect(troubleOf(import.meta.dirname)).toBe('it is a folder');
  // Root, who may run this, may read everything.
  const refused = Object.assign(new Error('EACCES: permission denied'), { code: 'EACCES' });
  expect(fileTroubleOf(refused)).toBe('this user may not read it');
});

it('what has no words here is told as the system has it', () => {
  expect(fileTroubleOf(new Error('what else there is'))).toBe('what else there is');
});
