import fc from '../../runtime/testing/property.ts';
import { expect, it } from 'vitest';
import { formatLine, formatResult, parseLine } from './checksum-line.ts';

const digest = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';

it('a line is read as what it was written of, whatever is in the name', () => {
  const name = fc
    .oneof(fc.string({ minLength: 1 }), fc.stringMatching(/^[\\nr\n\r *()=]+$/))
    .filter((given) => given !== '');
  fc.assert(
    fc.property(name, (given) => {
      const line = formatLine({ digest, name: given });
      expect(line).not.toMatch(/[\n\r]/);
      expect(parseLine(line)).toEqual({ digest, name: given });
    }),
  );
});

it('a result takes one line', () => {
  expect(formatResult('a\\b', 'OK')).toBe('a\\b: OK');
  expect(formatResult('a\n\\b', 'OK')).toBe('\\a\\n\\\\b: OK');
});

it.each([
  `${digest} *name`,
  `${digest}\tname`,
  `\t ${digest.toUpperCase()}  name`,
  `SHA256 (name) = ${digest}`,
  `SHA256(name)= ${digest}`,
])('%j is a line too', (line) => {
  expect(parseLine(line)).toEqual({ digest, name: 'name' });
});

it.each([
  '',
  'name',
  digest,
  `${digest}  `,
  `${digest}name`,
  `${digest}0  name`,
  `${digest.slice(1)}  name`,
  `\\${digest}  na\\me`,
  `\\${digest}  name\\`,
  `SHA512 (name) = ${digest}`,
])('%j is none', (line) => {
  expect(parseLine(line)).toBeUndefined();
});
