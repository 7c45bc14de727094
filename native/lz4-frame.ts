/**
 * How much an LZ4 frame decompresses to, known before anything is decompressed. By the frame format
 * 1.6.4 and the block format of the reference implementation (lz4/doc).
 *
 * ```
 * frame = 184D2204 | flags | block maximum | [content size, 8] | header checksum | block* | 00000000 | [checksum, 4]
 * block = size, its high bit set when stored | data | [checksum, 4]
 * data  = (token | [literals' length]* | literals | [offset, 2 | [match's length]*])*
 * ```
 */
import { WindrowError } from '../runtime/errors.ts';

const magic = 0x184d2204;
const version = 1;
const storedBit = 0x8000_0000;
const checksumBytes = 4;
const matchBytesMin = 4;
/** A length of four bits that goes on in the bytes that follow. */
const longLength = 15;
/** By the three bits of the header, of which the first four are reserved. */
const BLOCK_BYTES_MAX = [0, 0, 0, 0, 64 << 10, 256 << 10, 1 << 20, 4 << 20] as const;

/**
 * The bytes that a single whole frame decompresses to. Nothing of that size is allocated.
 *
 * @throws WindrowError `input` when it is no such frame, needs a dictionary, or comes to more than
 *   `bytesMax`. Checksums and offsets are for the decompressor to check.
 */
export function decompressedBytes(frame: Uint8Array, bytesMax: number): number {
  const reader = new Reader(frame);
  const { blockBytesMax, blockTrailerBytes, trailerBytes } = readHeader(reader);
  let bytes = 0;
  for (let size = reader.u32(); size !== 0; size = reader.u32()) {
    const isStored = size >= storedBit;
    const blockEnd = reader.skip(isStored ? size - storedBit : size);
    const blockBytes = isStored ? size - storedBit : bytesOfBlock(frame, blockEnd - size, blockEnd);
    if (blockBytes > blockBytesMax) throw malformed('a block exceeds its maximum');
    bytes += blockBytes;
    if (bytes > bytesMax) throw malformed(`it holds more than ${bytesMax} bytes`);
    reader.skip(blockTrailerBytes);
  }
  if (reader.skip(trailerBytes) !== frame.length) throw malformed('something follows it');
  return bytes;
}

interface Header {
  readonly blockBytesMax: number;
  readonly blockTrailerBytes: number;
  readonly trailerBytes: number;
}

function readHeader(reader: Reader): Header {
  if (reader.u32() !== magic) throw malformed('it does not begin as one');
  const flags = reader.u8();
  const blockBytesMax = BLOCK_BYTES_MAX[(reader.u8() >> 4) & 7] ?? 0;
  if (flags >> 6 !== version || blockBytesMax === 0) throw malformed('its version is not known');
  const [hasBlockChecksum, hasSize, hasChecksum, hasDictionary] = [16, 8, 4, 1].map(
    (bit) => (flags & bit) !== 0,
  );
  if (hasDictionary === true) throw malformed('it needs a dictionary');
  reader.skip((hasSize === true ? 8 : 0) + 1);
  return {
    blockBytesMax,
    blockTrailerBytes: hasBlockChecksum === true ? checksumBytes : 0,
    trailerBytes: hasChecksum === true ? checksumBytes : 0,
  };
}

/** What the sequences from `at` to `end` come to. The last one has literals alone. */
function bytesOfBlock(data: Uint8Array, start: number, end: number): number {
  let bytes = 0;
  let at = start;
  const length = (nibble: number): number => {
    let sum = nibble;
    if (nibble < longLength) return sum;
    for (let more = 255; more === 255; at += 1) {
      if (at >= end) throw malformed('a length is cut off');
      more = data[at] ?? 0;
      sum += more;
    }
    return sum;
  };
  for (;;) {
    if (at >= end) throw malformed('a block is cut off');
    const token = data[at] ?? 0;
    at += 1;
    const literals = length(token >> 4);
    at += literals;
    bytes += literals;
    if (at === end) return bytes;
    at += 2;
    bytes += length(token & longLength) + matchBytesMin;
  }
}

class Reader {
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  u8(): number {
    return this.#view.getUint8(this.skip(1) - 1);
  }

  u32(): number {
    return this.#view.getUint32(this.skip(4) - 4, true);
  }

  /** @returns the position behind them */
  skip(bytes: number): number {
    this.#at += bytes;
    if (this.#at > this.#view.byteLength) throw malformed('it is cut off');
    return this.#at;
  }
}

function malformed(reason: string): WindrowError {
  return new WindrowError('input', `not an LZ4 frame that can be taken: ${reason}`);
}
