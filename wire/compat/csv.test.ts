import fc from '../../runtime/testing/property.ts';
import { describe, expect, it } from 'vitest';
import { CsvFramer, type CsvRecord, csvRecordCharsMax } from './csv.ts';

function read(pieces: readonly string[]): CsvRecord[] {
  const framer = new CsvFramer();
  return [...pieces.flatMap((piece) => [...framer.push(piece)]), ...framer.end()];
}

/** `line: field|field` or `line! reason`. */
function shown(pieces: readonly string[]): string[] {
  return read(pieces).map((record) =>
    'malformed' in record
      ? `${record.line}! ${record.malformed}`
      : `${record.line}: ${record.fields.join('|')}`,
  );
}

function quote(text: string): string {
  return `"${text.replaceAll('"', '""')}"`;
}

const long = 'x'.repeat(csvRecordCharsMax + 1);

describe('CsvFramer', () => {
  it.each([
    ['plain', 'a,b\nc,d\n', ['1: a|b', '2: c|d']],
    ['without a final newline', 'a,b\nc,', ['1: a|b', '2: c|']],
    ['with CRLF', 'a,b\r\nc,d\r\n', ['1: a|b', '2: c|d']],
    ['with empty lines', '\n\r\na\n\n', ['3: a']],
    ['quoted', '"a","b,c","d""e",""\n', ['1: a|b,c|d"e|']],
    ['with a newline in quotes', 'a,"b\r\nc"\nd,e\n', ['1: a|b\r\nc', '3: d|e']],
    ['with quotes inside a plain field', 'a"b,c""d\ne\n', ['1: a"b|c""d', '2: e']],
    ['with text after a quote', '"a"b,c\nd\n', ['1! has text after a quoted field', '2: d']],
    ['with an open quote', 'a\n"b,c\nd,e\n', ['1: a', '2! a quoted field is not closed', '3: d|e']],
    ['with an open quote at the end', '"a', ['1! a quoted field is not closed']],
    [
      'with a long line',
      `${long}\na\n`,
      [`1! is longer than ${csvRecordCharsMax} characters`, '2: a'],
    ],
    ['with a long line at the end', long, [`1! is longer than ${csvRecordCharsMax} characters`]],
    ['with a line as long as may be', `${long.slice(1)}\n`, [`1: ${long.slice(1)}`]],
    ['empty', '', []],
  ])('reads a file %s', (_, text, expected) => {
    expect(shown([text])).toEqual(expected);
  });

  it('holds no more of a line without end than its bound', () => {
    const framer = new CsvFramer();
    const records = Array.from({ length: 100 }, () => [...framer.push(long)]).flat();
    expect(records).toHaveLength(1);
    expect(records[0]?.text.length).toBeLessThanOrEqual(200);
    expect([...framer.push('\nnext\n')]).toMatchObject([{ line: 2, fields: ['next'] }]);
  });

  it('reads the same from any split, down to one character at a time', () => {
    const part = fc.constantFrom('a', '"', '""', ',', '\n', '\r\n', 'b"', '",', '\n"', ' ', long);
    const text = fc.array(part, { maxLength: 40, size: 'max' }).map((parts) => parts.join(''));
    fc.assert(
      fc.property(
        text,
        fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 }),
        (text, cuts) => {
          const pieces: string[] = [];
          for (let at = 0, i = 0; at < text.length; i++) {
            // Long stretches in long pieces, or the test would be slow.
            const length =
              text.length > 2000 ? 997 * cuts[i % cuts.length]! : cuts[i % cuts.length]!;
            pieces.push(text.slice(at, at + length));
            at += length;
          }
          expect(read(pieces)).toEqual(read([text]));
        },
      ),
      { numRuns: 500 },
    );
  });

  it('reads back what is written as RFC 4180 has it', () => {
    const field = fc.string({ unit: fc.constantFrom('a', '"', ',', '\n', '\r', ' ', 'é') });
    const rows = fc.array(fc.array(field, { minLength: 2, maxLength: 4 }), { maxLength: 6 });
    fc.assert(
      fc.property(rows, (rows) => {
        const text = rows.map((fields) => `${fields.map(quote).join(',')}\n`).join('');
        expect(read([text]).map((record) => ('fields' in record ? record.fields : record))).toEqual(
          rows,
        );
      }),
    );
  });
});
