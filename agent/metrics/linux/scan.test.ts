import { describe, expect, test } from 'vitest';
import { scanOf } from '../testing/machine.ts';

describe('number', () => {
  test('reads digits and stops at what follows', () => {
    const scan = scanOf('  42kB 7');
    expect(scan.number()).toBe(42);
    expect(scan.number()).toBeNaN();
    scan.skipWords(1);
    expect(scan.number()).toBe(7);
  });

  test('is not a number at the end of a line, and does not read on into the next', () => {
    const scan = scanOf('a \n5');
    scan.skipWords(1);
    expect(scan.number()).toBeNaN();
    scan.nextLine();
    expect(scan.number()).toBe(5);
  });

  test('never reads what an earlier, longer file left in the buffer', () => {
    const scan = scanOf('12345678');
    scan.begin(3);
    expect(scan.number()).toBe(123);
    expect(scan.ended).toBe(true);
  });
});

test.each([
  ['0.25', 0.25],
  ['12.075', 12.075],
  ['7', 7],
  ['7.', 7],
])('decimal reads %s', (text, value) => {
  expect(scanOf(text).decimal()).toBeCloseTo(value, 10);
});

test('decimal is not a number where none stands', () => {
  expect(scanOf('x').decimal()).toBeNaN();
});

test('wordBefore takes what stands before the stop, and nothing from a line without one', () => {
  const scan = scanOf(' eth0:12\nno stop\nx:1');
  expect(scan.wordBefore(0x3a)).toBe('eth0');
  expect(scan.number()).toBe(12);
  scan.nextLine();
  expect(scan.wordBefore(0x3a)).toBeUndefined();
});

test('take passes a prefix only when all of it is there', () => {
  const scan = scanOf('Mem');
  expect(scan.take(Buffer.from('Memory'))).toBe(false);
  expect(scan.take(Buffer.from('Me'))).toBe(true);
  expect(scan.at).toBe(2);
});

test('growing keeps the content', () => {
  const scan = scanOf('keep me');
  const before = scan.bytes.length;
  scan.grow();
  expect(scan.bytes.length).toBe(before * 2);
  expect(scan.word()).toBe('keep');
});
