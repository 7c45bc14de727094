/**
 * The numbers system's one topic: generators write `<ip>:<number>` as plain text, an adder reads.
 * The number is a whole one from 1 to 100; what stands before the last colon is the address.
 */
import { isIP } from 'node:net';
import { inert } from '../records/fields.ts';

export const NUMBERS_TOPIC = 'numbers';
/** The group that the old adder read in. */
export const NUMBERS_GROUP = 'my-group';
export const numberMin = 1;
export const numberMax = 100;

/** Bytes of the longest value: an IPv6 address with a zone, and `:100`. */
const valueBytesMax = 128;
/** Characters of a malformed value that are told. */
const shownCharsMax = 40;

export type DecodedNumber =
  | { readonly address: string; readonly number: number }
  | { readonly malformed: string };

export function encodeNumber(address: string, number: number): string {
  return `${address}:${number}`;
}

/** Never throws: what is no number of a generator is `malformed`, with the reason. */
export function decodeNumber(value: Buffer | undefined): DecodedNumber {
  if (value === undefined) return { malformed: 'it has no value' };
  if (value.length > valueBytesMax)
    return { malformed: `it is longer than ${valueBytesMax} bytes` };
  const text = value.toString('utf8');
  const colon = text.lastIndexOf(':');
  const shown = inert(JSON.stringify(text.slice(0, shownCharsMax)));
  if (colon < 0) return { malformed: `${shown} is not <ip>:<number>` };
  const address = text.slice(0, colon);
  if (isIP(address) === 0) return { malformed: `${shown} does not begin with an IP address` };
  const digits = text.slice(colon + 1);
  const number = Number(digits);
  if (!/^[1-9]\d{0,2}$/.test(digits) || number > numberMax) {
    const range = `a whole number from ${numberMin} to ${numberMax}`;
    return { malformed: `${shown} does not end with ${range}` };
  }
  return { address, number };
}
