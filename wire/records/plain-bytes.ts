/**
 * Reads samples of nothing but identity and metrics straight from the bytes of their JSON: they come
 * by the hundred thousand a second, and to make objects of JSON costs several times as much.
 *
 * Invariant: what is read so is what `JSON.parse` and `decodeOwn` make of the same bytes. Whatever is
 * not plainly right (white space, escapes, other letters than ASCII's, an unknown field, a field
 * twice, an exponent, a value beyond its limit) is not read here, and goes their way.
 */
import { METRICS } from '../metrics.ts';
import type { DecodedSample, SampleIdentity } from './decoded.ts';
import { isTextAt, KnownTexts } from './known-texts.ts';
import {
  isBootId,
  isMeasured,
  isOwnVersion,
  isSeq,
  isServerId,
  isTimestamp,
} from './plain-fields.ts';

/** A sample that was read from bytes, and needs no more checks. */
export class PlainSample implements DecodedSample {
  readonly kind = 'sample';
  readonly lane = 0;
  readonly serverId: string;
  readonly tsMs: number;
  readonly identity: SampleIdentity;
  readonly originMs: number | undefined;
  readonly values: readonly number[];
  readonly #bytes: Buffer;
  readonly #from: number;
  readonly #to: number;

  constructor(bytes: Buffer, { from, to, serverId, bootId, numbers }: Fields) {
    this.#bytes = bytes;
    this.#from = from;
    this.#to = to;
    this.serverId = serverId;
    this.tsMs = numbers[TS]!;
    this.identity = { bootId, seq: numbers[SEQ]! };
    const originMs = numbers[ORIGIN]!;
    this.originMs = Number.isNaN(originMs) ? undefined : originMs;
    const values = noValues.slice();
    for (let i = 0; i < METRICS.length; i += 1) values[i] = numbers[FIRST_METRIC + i]!;
    this.values = values;
  }

  /** For who shows what came. */
  toJSON(): unknown {
    return JSON.parse(this.#bytes.toString('utf8', this.#from, this.#to)) as unknown;
  }
}

const noValues: readonly number[] = METRICS.map(() => Number.NaN);

/** In the order of FIELDS; the boot's id is the last. */
const VERSION = 0;
const TS = 1;
const SEQ = 2;
const ORIGIN = 3;
const FIRST_METRIC = 4;
const SERVER_ID = FIRST_METRIC + METRICS.length;
const FIELDS = ['v', 'ts', 'seq', 'origin_ms', ...METRICS, 'server_id', 'boot_id'] as const;

const nameCharsMax = Math.max(...FIELDS.map((name) => name.length));
const noField = -1;
/** The field whose name has this length and this first letter; no two share both. */
const BY_LENGTH_AND_LETTER = new Int8Array((nameCharsMax + 1) * 256).fill(noField);
for (const [field, name] of FIELDS.entries()) {
  BY_LENGTH_AND_LETTER[placeOf(name.length, name.charCodeAt(0))] = field;
}

const [quote, colon, comma, opening, closing] = [0x22, 0x3a, 0x2c, 0x7b, 0x7d];
const [minus, point, zero] = [0x2d, 0x2e, 0x30];
/** Digits that a double holds exactly, as it does each power of ten with so many zeros. */
const exactDigits = 15;
const POWERS_OF_TEN = Float64Array.from({ length: exactDigits + 1 }, (_, i) => Number(`1e${i}`));

interface Fields {
  /** Where all of them lie. */
  readonly from: number;
  readonly to: number;
  serverId: string;
  bootId: string;
  /** By field; NaN is absent. */
  readonly numbers: Float64Array;
}

/** One for all that is read, since nothing waits while it reads. */
class PlainReader implements Fields {
  from = 0;
  to = 0;
  serverId = '';
  bootId = '';
  readonly numbers = new Float64Array(SERVER_ID);
  readonly #serverIds = new KnownTexts(isServerId);
  readonly #bootIds = new KnownTexts(isBootId);
  #at = 0;

  /** @returns whether all is there, and right */
  read(bytes: Buffer, from: number, to: number): boolean {
    this.from = from;
    this.to = to;
    this.serverId = '';
    this.bootId = '';
    this.numbers.fill(Number.NaN);
    this.#at = from;
    // What follows is another's: no number runs into that.
    if (bytes[to - 1] !== closing) return false;
    let before = opening;
    do {
      if (bytes[this.#at] !== before || !this.#field(bytes)) return false;
      before = comma;
    } while (bytes[this.#at] !== closing);
    return this.#at === to - 1 && this.#isRight();
  }

  /** A field with its value, each for the first time. */
  #field(bytes: Buffer): boolean {
    const from = this.#at + 2;
    if (bytes[from - 1] !== quote) return false;
    let to = from;
    while (bytes[to] !== quote) if ((to += 1) - from > nameCharsMax) return false;
    const field = BY_LENGTH_AND_LETTER[placeOf(to - from, bytes[from]!)]!;
    if (field === noField || !isTextAt(bytes, from, FIELDS[field]!)) return false;
    if (bytes[to + 1] !== colon) return false;
    this.#at = to + 2;
    if (field < SERVER_ID) {
      if (!Number.isNaN(this.numbers[field])) return false;
      const number = this.#number(bytes);
      this.numbers[field] = number;
      return !Number.isNaN(number);
    }
    if (bytes[this.#at] !== quote) return false;
    const isServer = field === SERVER_ID;
    if ((isServer ? this.serverId : this.bootId) !== '') return false;
    const text = (isServer ? this.#serverIds : this.#bootIds).read(bytes, this.#at + 1, this.to);
    if (text === undefined) return false;
    if (isServer) this.serverId = text;
    else this.bootId = text;
    this.#at += text.length + 2;
    return true;
  }

  /** NaN where there is none. */
  #number(bytes: Buffer): number {
    const from = this.#at;
    const isNegative = bytes[from] === minus;
    const first = isNegative ? from + 1 : from;
    let at = first;
    let value = 0;
    for (let digit; (digit = bytes[at]! - zero) >= 0 && digit <= 9; at += 1) {
      value = value * 10 + digit;
    }
    const whole = at - first;
    if (whole === 0 || (whole > 1 && bytes[first] === zero)) return Number.NaN;
    let decimals = 0;
    if (bytes[at] === point) {
      at += 1;
      const firstDecimal = at;
      for (let digit; (digit = bytes[at]! - zero) >= 0 && digit <= 9; at += 1) {
        value = value * 10 + digit;
      }
      decimals = at - firstDecimal;
      if (decimals === 0) return Number.NaN;
    }
    this.#at = at;
    if (whole + decimals > exactDigits) return Number(bytes.toString('latin1', from, at));
    // Of two exact numbers the quotient is the double that is nearest to what is written.
    const amount = value / POWERS_OF_TEN[decimals]!;
    return isNegative ? -amount : amount;
  }

  #isRight(): boolean {
    const { numbers } = this;
    if (this.serverId === '' || this.bootId === '') return false;
    if (!isOwnVersion(numbers[VERSION]) || !isTimestamp(numbers[TS]) || !isSeq(numbers[SEQ])) {
      return false;
    }
    if (!Number.isNaN(numbers[ORIGIN]) && !isTimestamp(numbers[ORIGIN])) return false;
    for (let field = FIRST_METRIC; field < SERVER_ID; field += 1) {
      if (!Number.isNaN(numbers[field]) && !isMeasured(numbers[field])) return false;
    }
    return true;
  }
}

const reader = new PlainReader();

/**
 * The sample that lies in these bytes; undefined: it is none, or not as plain as to be read here.
 * The bytes must stay as they are.
 */
export function readPlainSample(
  bytes: Buffer,
  from = 0,
  to = bytes.length,
): PlainSample | undefined {
  return reader.read(bytes, from, to) ? new PlainSample(bytes, reader) : undefined;
}

function placeOf(length: number, letter: number): number {
  return length * 256 + letter;
}
