import fc from '../../runtime/testing/property.ts';
import { join, relative, sep, win32 } from 'node:path';
import { describe, expect, it } from 'vitest';
import { foldKey, folderName, namesFor, safeName, safePath } from './names.ts';

/** Bits that hostile names are made of. */
const bit = fc.oneof(
  fc.constantFrom(
    '..',
    '.',
    '/',
    '\\',
    '\0',
    ':',
    ' ',
    '~',
    'CON',
    'nul',
    'COM1',
    '.txt',
    'C:',
    '%2e',
  ),
  fc.constantFrom(
    '\u202e',
    '\u200b',
    '\ufeff',
    '\u2044',
    '\uff0e',
    '\uff0f',
    '\u2025',
    '\ud800',
    'e\u0301',
  ),
  fc.string({ unit: 'binary' }),
);
const hostile = fc.oneof(
  fc.array(bit, { maxLength: 12 }).map((bits) => bits.join('')),
  fc.string({ unit: 'binary', maxLength: 400 }),
);
/** Written anew, not taken from the code under test. */
const deviceNames = /^(con|prn|aux|nul|conin\$|conout\$|clock\$|com[0-9¹²³]|lpt[0-9¹²³])$/i;

function isSafe(name: string): boolean {
  const stem = (name.split('.')[0] ?? '').trimEnd();
  return (
    name !== '' &&
    !/^\.{1,2}$/.test(name) &&
    !/[\p{Cc}<>:"/\\|?*\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]/u.test(name) &&
    !/[. ]$/.test(name) &&
    !deviceNames.test(stem) &&
    name.isWellFormed() &&
    Buffer.byteLength(name) <= 255
  );
}

describe('a name from the wire', () => {
  it.each([
    ['log.txt', 'log.txt'],
    ['.bashrc', '.bashrc'],
    ['Ünïcode – наименование 名.txt', 'Ünïcode – наименование 名.txt'],
    ['..', '__'],
    ['.', '_'],
    ['', '_'],
    ['../../etc/passwd', '.._.._etc_passwd'],
    ['C:\\Windows\\x', 'C__Windows_x'],
    ['file.txt:stream', 'file.txt_stream'],
    ['con', '_con'],
    ['CON.tar.gz', '_CON.tar.gz'],
    ['nul .txt', '_nul .txt'],
    ['com¹', '_com¹'],
    ['lpt9.', 'lpt9_'],
    ['name. . ', 'name____'],
    ['a\0b', 'a_b'],
    ['a\nb\u{1b}[2J', 'a_b_[2J'],
    ['invoice\u202efdp.exe', 'invoice_fdp.exe'],
    ['zero\u200bwidth', 'zero_width'],
    ['\uff0e\uff0e\uff0fetc', '___etc'],
    ['\u2025', '_'],
    ['half \ud800 character', 'half _ character'],
  ])('%j becomes %j', (name, safe) => {
    expect(safeName(name)).toBe(safe);
    expect(isSafe(safe)).toBe(true);
  });

  it('of 300 bytes is cut to 255, in whole characters', () => {
    expect(safeName('x'.repeat(300))).toBe('x'.repeat(255));
    expect(Buffer.byteLength(safeName(`a${'ж'.repeat(150)}`))).toBe(255);
  });

  it('is safe whatever it was, alone, as a folder and with its transfer behind it', () => {
    fc.assert(
      fc.property(hostile, (name) => {
        const names = [safeName(name), ...namesFor(folderName(name), 'ab'.repeat(16))];
        expect(names.filter((made) => !isSafe(made))).toEqual([]);
      }),
      { numRuns: 2_000 },
    );
  });

  it('is left as it is when it was made safe already', () => {
    fc.assert(
      fc.property(hostile, (name) => {
        expect(safeName(safeName(name))).toBe(safeName(name));
      }),
    );
  });
});

describe('a path from the wire', () => {
  it.each([
    ['var/log/a.txt', 'var/log/a.txt'],
    ['/etc/passwd', 'etc/passwd'],
    ['a/../../b', 'a/__/__/b'],
    ['./a//b/', 'a/b'],
    ['C:\\x/NUL.txt', 'C__x/_NUL.txt'],
    ['/', '_'],
    [`${'d/'.repeat(65)}last`, 'last'],
    [`${`${'e'.repeat(200)}/`.repeat(11)}last`, 'last'],
  ])('%j becomes %j', (path, safe) => expect(safePath(path)).toBe(safe));

  it('never leaves the folder', () => {
    const root = join('/', 'out', 'assembled');
    fc.assert(
      fc.property(hostile, (path) => {
        for (const safe of namesFor(safePath(path), 'ab'.repeat(16))) {
          const inside = relative(root, join(root, safe));
          expect(inside === '' || inside.split(sep)[0] === '..').toBe(false);
          expect(win32.normalize(safe).split('\\')[0]).not.toBe('..');
          expect(win32.isAbsolute(safe)).toBe(false);
          expect(safe.split('/').every(isSafe)).toBe(true);
        }
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('two names', () => {
  it.each([
    ['File.TXT', 'file.txt'],
    ['e\u0301', '\u00e9'],
    ['stra\u00dfe', 'STRASSE'],
    ['\ufb01le', 'file'],
    ['K', '\u212a'],
  ])('that are one file on some system fold into one: %j, %j', (one, other) => {
    expect(foldKey(one)).toBe(foldKey(other));
  });

  it('that differ stay apart', () => {
    expect(foldKey('a_b')).not.toBe(foldKey('a-b'));
    const long = 'x'.repeat(255);
    const tried = namesFor(long, '0123456789abcdef'.repeat(2));
    expect(new Set(tried.map(foldKey)).size).toBe(4);
    expect(tried[1]).toBe(`${'x'.repeat(246)}~01234567`);
  });
});
