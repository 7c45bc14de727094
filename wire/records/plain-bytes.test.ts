import fc from '../../runtime/testing/property.ts';
import { expect, it, vi } from 'vitest';
import { timestampMsMax } from '../limits.ts';
import { METRICS } from '../metrics.ts';
import { decodeOwn } from './own.ts';
import { readPlainSample } from './plain-bytes.ts';

const plain = { v: 1, server_id: 'pc', ts: 1_000, boot_id: 'boot', seq: 0, cpu_pct: 12.5 };
const optional = ['origin_ms', ...METRICS];

function read(text: string) {
  return readPlainSample(Buffer.from(text));
}

/** What is made of it where no bytes are read: through objects, and the schema where need be. */
function decoded(text: string) {
  try {
    return decodeOwn({ value: JSON.parse(text) as unknown }, 0);
  } catch {
    return undefined;
  }
}

it('a sample of identity and metrics is read, in whichever order its fields come', () => {
  const all = { ...Object.fromEntries(optional.map((name, i) => [name, i + 0.5])), ...plain };
  const sample = { ...all, origin_ms: 7 };
  expect(read(JSON.stringify(plain))).toMatchObject({ serverId: 'pc', tsMs: 1_000, lane: 0 });
  for (const fields of [Object.entries(sample), Object.entries(sample).toReversed()]) {
    const text = JSON.stringify(Object.fromEntries(fields));
    expect(read(text)).toEqual(decoded(text));
  }
});

it('who shows one sees what came', () => {
  const text = JSON.stringify(plain);
  expect(JSON.stringify(read(text))).toBe(text);
  const among = Buffer.from(`x${text}{"y":1}`);
  expect(JSON.stringify(readPlainSample(among, 1, 1 + text.length))).toBe(text);
});

it.each([
  ['white space', '{ "v":1,"server_id":"pc","ts":1,"boot_id":"b","seq":0}'],
  ['white space behind it', '{"v":1,"server_id":"pc","ts":1,"boot_id":"b","seq":0} '],
  ['an escape', '{"v":1,"server_id":"p\\u0063","ts":1,"boot_id":"b","seq":0}'],
  ['a field twice', '{"v":1,"server_id":"pc","ts":1,"ts":2,"boot_id":"b","seq":0}'],
  ['a name twice', '{"v":1,"server_id":"pc","server_id":"pd","ts":1,"boot_id":"b","seq":0}'],
  ['an unknown field', '{"v":1,"server_id":"pc","ts":1,"boot_id":"b","seq":0,"load1":1}'],
  ['an exponent', '{"v":1,"server_id":"pc","ts":1,"boot_id":"b","seq":0,"net_in":1e3}'],
  ['a zero before', '{"v":1,"server_id":"pc","ts":01,"boot_id":"b","seq":0}'],
  ['no decimals', '{"v":1,"server_id":"pc","ts":1.,"boot_id":"b","seq":0}'],
  ['no whole part', '{"v":1,"server_id":"pc","ts":1,"boot_id":"b","seq":0,"net_in":-.5}'],
  ['a comma too many', '{"v":1,"server_id":"pc","ts":1,"boot_id":"b","seq":0,}'],
  ['no end', '{"v":1,"server_id":"pc","ts":1,"boot_id":"b","seq":0'],
  ['no end of a name', '{"v":1,"server_id":"pc'],
  ['no end of a field', '{"v'],
  ['nothing', ''],
  ['a missing field', '{"v":1,"server_id":"pc","ts":1,"boot_id":"b"}'],
  ['another version', '{"v":2,"server_id":"pc","ts":1,"boot_id":"b","seq":0}'],
  ['half a millisecond', '{"v":1,"server_id":"pc","ts":1.5,"boot_id":"b","seq":0}'],
  [
    'too large a value',
    '{"v":1,"server_id":"pc","ts":1,"boot_id":"b","seq":0,"net_in":1000000000000000001000}',
  ],
  ['an empty name', '{"v":1,"server_id":"","ts":1,"boot_id":"b","seq":0}'],
  ['a blank name', '{"v":1,"server_id":" ","ts":1,"boot_id":"b","seq":0}'],
  ['a boot that is none', '{"v":1,"server_id":"pc","ts":1,"boot_id":"b b","seq":0}'],
  ['a letter of two bytes', '{"v":1,"server_id":"é","ts":1,"boot_id":"b","seq":0}'],
])('%s is left to others', (_, text) => {
  expect(read(text)).toBeUndefined();
});

const digits = fc.stringMatching(/^-?(0|[1-9][0-9]{0,20})(\.[0-9]{1,20})?$/);
const numbers = fc.oneof(
  digits,
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => JSON.stringify(value)),
  fc.constantFrom('0', '-0', '-0.0', '1', '1.0', '01', '1.', '1e3', '1E-2', '+1', '--1', 'null'),
  fc.constantFrom(`${timestampMsMax}`, `${timestampMsMax + 1}`, '9007199254740993', 'true', '""'),
);
const texts = fc
  .oneof(
    fc.string({ maxLength: 70 }),
    fc.string({ unit: 'binary', maxLength: 5 }),
    fc.constantFrom(
      'pc',
      ' ',
      '',
      'x'.repeat(64),
      'x'.repeat(65),
      'x'.repeat(128),
      'x'.repeat(129),
    ),
  )
  .map((text) => JSON.stringify(text));
const fields = fc.tuple(
  fc.constantFrom(...Object.keys(plain), ...optional, 'kind', '__proto__', 'load1', ''),
  fc.oneof(numbers, texts),
);

const neighbour = fc
  .constantFrom('', '0', '"', '}', '"}', ',"cpu_pct":1}', '\0')
  .map((text) => Buffer.from(text));

it('of what goes on behind its end nothing is read', () => {
  const bytes = Buffer.from(JSON.stringify({ ...plain, origin_ms: 7 }));
  for (let to = 0; to < bytes.length; to += 1) {
    expect(readPlainSample(bytes, 0, to)).toBeUndefined();
  }
  // Each ends where the next one begins.
  const two = Buffer.from(JSON.stringify(plain).repeat(2));
  const half = two.length / 2;
  expect(readPlainSample(two, 0, half)).toEqual(readPlainSample(two, half, two.length));
  expect(readPlainSample(two)).toBeUndefined();
  const number = Buffer.from(`{"v":${'1'.repeat(100)}`);
  const toString = vi.spyOn(number, 'toString');
  expect(readPlainSample(number, 0, 8)).toBeUndefined();
  expect(toString).not.toHaveBeenCalled();
});

it('what is read is what JSON and the schema make of the same bytes, to the last bit', () => {
  let taken = 0;
  fc.assert(
    fc.property(
      fc.array(fields, { maxLength: 3 }),
      fc.boolean(),
      fc.option(fc.tuple(fc.nat(200), fc.nat(255))),
      fc.tuple(neighbour, neighbour),
      (changed, isReplaced, spoilt, around) => {
        const names = new Set(isReplaced ? changed.map(([name]) => name) : []);
        const kept = Object.entries(plain).filter(([name]) => !names.has(name));
        const parts = [...kept.map(([name, value]) => [name, JSON.stringify(value)]), ...changed];
        const bytes = Buffer.from(`{${parts.map(([name, value]) => `"${name}":${value}`).join()}}`);
        if (spoilt !== null && spoilt[0] < bytes.length) bytes[spoilt[0]] = spoilt[1];
        const sample = readPlainSample(bytes);
        const among = Buffer.concat([around[0], bytes, around[1]]);
        const from = around[0].length;
        expect(readPlainSample(among, from, from + bytes.length)).toEqual(sample);
        if (sample === undefined) return;
        taken += 1;
        expect(sample).toEqual(decoded(bytes.toString()));
      },
    ),
    { numRuns: 5_000 },
  );
  expect(taken).toBeGreaterThan(500);
});
