import fc from '../../runtime/testing/property.ts';
import { describe, expect, it } from 'vitest';
import { decodeNumber, encodeNumber } from './seed-d.ts';

const decode = (text: string) => decodeNumber(Buffer.from(text));

describe('a number of a generator', () => {
  it('is read back, whatever the address', () => {
    const addresses = fc.oneof(fc.ipV4(), fc.ipV6());
    fc.assert(
      fc.property(addresses, fc.integer({ min: 1, max: 100 }), (address, number) => {
        expect(decode(encodeNumber(address, number))).toEqual({ address, number });
      }),
    );
  });

  it.each(['10.0.0.7:1', '10.0.0.7:100', '::1:42', 'fe80::1%eth0:9'])('%s is one', (text) => {
    expect(decode(text)).toHaveProperty('number');
  });

  it.each<readonly [string, string]>([
    ['', '"" is not <ip>:<number>'],
    ['garbage', '"garbage" is not <ip>:<number>'],
    ['10.0.0.7', '"10.0.0.7" is not <ip>:<number>'],
    [':5', '":5" does not begin with an IP address'],
    ['10.0.0.256:5', '"10.0.0.256:5" does not begin with an IP address'],
    ['localhost:5', '"localhost:5" does not begin with an IP address'],
    ['::1', '"::1" does not begin with an IP address'],
    ...['', '0', '101', '-5', '5.5', '1e1', '0x10', ' 5', '5 ', '007', '5\n', '٥', 'NaN'].map(
      (number) => [`10.0.0.7:${number}`, 'from 1 to 100'] as const,
    ),
  ])('%j is malformed', (text, reason) => {
    const decoded = decode(text);
    expect('malformed' in decoded && decoded.malformed).toContain(reason);
  });

  it('what is malformed is told in visible characters, and not at any length', () => {
    const decoded = decode(`\u202Eevil\u001B[2J${'x'.repeat(60)}`);
    const reason = 'malformed' in decoded ? decoded.malformed : '';
    expect(reason).toMatch(/^[^\p{Cc}\p{Bidi_Control}]{30,80}$/u);
    expect(decode('1'.repeat(1_000_000))).toEqual({ malformed: 'it is longer than 128 bytes' });
    expect(decodeNumber(undefined)).toEqual({ malformed: 'it has no value' });
  });

  it('no bytes make it throw, and what it takes is a number from 1 to 100', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const decoded = decodeNumber(Buffer.from(bytes));
        if ('number' in decoded) expect(decoded.number >= 1 && decoded.number <= 100).toBe(true);
        else expect(decoded.malformed).not.toBe('');
      }),
    );
  });
});
