import { expect, it } from 'vitest';
import { quoted } from './quoted.ts';

/** As sha256sum of GNU coreutils 9.1 wrote them, in a locale of UTF-8. */
it.each([
  ['a.b-c_d/%+,@]x~{a}#', 'a.b-c_d/%+,@]x~{a}#'],
  ['Zoë', 'Zoë'],
  ['a\u200Bb', 'a\u200Bb'],
  ['', "''"],
  ['a b', "'a b'"],
  ['a:b', "'a:b'"],
  ['a?', "'a?'"],
  ['a=b', "'a=b'"],
  ['a\\b', "'a\\b'"],
  ['"', "'\"'"],
  ['~x', "'~x'"],
  ['#', "'#'"],
  ['{', "'{'"],
  ["it's a", `"it's a"`],
  ["a':b", `"a':b"`],
  ["#'", `"#'"`],
  ["a#'", "'a#'\\'''"],
  ["'~", "''\\''~'"],
  ["a'b$", "'a'\\''b$'"],
  ["'\\n", "''\\''\\n'"],
  ['a\nb', "'a'$'\\n''b'"],
  ['\nb', "''$'\\n''b'"],
  ["a'\tb", "'a'\\'''$'\\t''b'"],
  ["\u0007'", "''$'\\a'\\'''"],
  ['\u0001\u0002y', "''$'\\001\\002''y'"],
  ['x\u0001', "'x'$'\\001'"],
  ['\u2028', "''$'\\342\\200\\250'"],
  [Buffer.from('f\xFF ', 'latin1'), "'f'$'\\377'' '"],
  [Buffer.from('f\xC3', 'latin1'), "'f'$'\\303'"],
])('%j is written as %s', (name, text) => {
  expect(quoted(name)).toBe(text);
});
