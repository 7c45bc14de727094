import fc from '../../../runtime/testing/property.ts';
import { expect, it } from 'vitest';
import { commandLineOf } from './command-line.ts';

/** CommandLineToArgvW, as its documentation has it, for words that are all in quotes. */
function wordsOf(line: string): string[] {
  const words: string[] = [];
  for (let at = 0; at < line.length; at += 1) {
    expect(line[at]).toBe('"');
    let word = '';
    for (at += 1; line[at] !== '"'; ) {
      const slashes = /^\\*/.exec(line.slice(at))?.[0].length ?? 0;
      const quote = line[at + slashes] === '"';
      if (!quote) {
        word += line.slice(at, at + slashes + 1);
        at += slashes + 1;
        continue;
      }
      word += '\\'.repeat(Math.floor(slashes / 2));
      at += slashes;
      if (slashes % 2 === 0) break;
      word += '"';
      at += 1;
    }
    words.push(word);
    at += 1;
  }
  return words;
}

it('a program with spaces in its path is that program, not one named by its first word', () => {
  const words = ['C:\\Program Files\\windrow\\windrow-agent.exe', 'service', 'run', 'C:\\Dätä\\'];
  expect(commandLineOf(words)).toBe(
    String.raw`"C:\Program Files\windrow\windrow-agent.exe" "service" "run" "C:\Dätä\\"`,
  );
});

it('no word breaks out of its quotes or into the next', () => {
  const word = fc.oneof(
    fc.string({ unit: fc.constantFrom('\\', '"', ' ', 'a', 'ß') }),
    fc.string({ unit: 'grapheme' }),
  );
  fc.assert(
    fc.property(fc.array(word, { minLength: 1, maxLength: 5 }), (words) => {
      expect(wordsOf(commandLineOf(words))).toEqual(words);
    }),
  );
});
