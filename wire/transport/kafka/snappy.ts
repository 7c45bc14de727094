/**
 * Unpacks Snappy, by its `format_description.txt`, alone or in the frame that Java's clients write
 * around it. The library's own loses a piece of its stack with each input that it cannot read: after
 * some thousands it reads nothing any more.
 *
 * ```
 * framed = 82 "SNAPPY" 00 | versions, 8 | (size of a block, 4 | block)*
 * block  = size of what it unpacks to, a varint | (tag | [length, 1 to 4] | literals or [offset, 1 to 4])*
 * ```
 */

const magic = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00]);
const frameHeadBytes = 16;
const sizeBytesMax = 5;
/** A literal's length of this and more stands in the bytes that follow, one for each step. */
const longLiteral = 60;

/**
 * @returns undefined when it says that it unpacks to more than `bytesMax`: then nothing is allocated
 * @throws RangeError when it is broken
 */
export function unpackSnappy(packed: Buffer, bytesMax: number): Buffer | undefined {
  const blocks = blocksOf(packed).map(headOff);
  const bytes = blocks.reduce((sum, { size }) => sum + size, 0);
  if (bytes > bytesMax) return undefined;
  const to = Buffer.alloc(bytes);
  let from = 0;
  for (const { size, tags } of blocks) {
    unpackBlock(tags, to.subarray(from, from + size));
    from += size;
  }
  return to;
}

function blocksOf(packed: Buffer): Buffer[] {
  if (!packed.subarray(0, magic.length).equals(magic)) return [packed];
  const blocks: Buffer[] = [];
  for (let at = frameHeadBytes; at < packed.length; ) {
    // Node's own RangeError where the size is cut off.
    const from = at + 4;
    at = from + packed.readUInt32BE(at);
    if (at > packed.length) throw broken();
    blocks.push(packed.subarray(from, at));
  }
  return blocks;
}

/** What the block says that it unpacks to, and what follows. */
function headOff(block: Buffer): { readonly size: number; readonly tags: Buffer } {
  let size = 0;
  for (let at = 0; at < sizeBytesMax; at += 1) {
    const byte = block[at] ?? 0x80;
    size += (byte & 0x7f) * 128 ** at;
    if (byte < 0x80) return { size, tags: block.subarray(at + 1) };
  }
  throw broken();
}

/** Fills `to`, no more and no less. */
function unpackBlock(tags: Buffer, to: Buffer): void {
  let at = 0;
  let end = 0;
  while (at < tags.length) {
    const tag = tags[at] ?? 0;
    at += 1;
    const kind = tag & 3;
    if (kind === 0) {
      const steps = Math.max(0, (tag >> 2) + 1 - longLiteral);
      const length = 1 + (steps === 0 ? tag >> 2 : tags.readUIntLE(at, steps));
      at += steps;
      if (at + length > tags.length || end + length > to.length) throw broken();
      tags.copy(to, end, at, at + length);
      at += length;
      end += length;
    } else {
      const { length, offset, bytes } = copyOf(tags, at, tag);
      at += bytes;
      if (offset === 0 || offset > end || end + length > to.length) throw broken();
      // Byte by byte: what is copied may overlap with where it goes to.
      for (const until = end + length; end < until; end += 1) to[end] = to[end - offset] ?? 0;
    }
  }
  if (end !== to.length) throw broken();
}

/** How much is copied from how far back, and the bytes in which that stands. */
function copyOf(tags: Buffer, at: number, tag: number) {
  if ((tag & 3) === 1) {
    const offset = ((tag >> 5) << 8) | tags.readUInt8(at);
    return { length: ((tag >> 2) & 7) + 4, offset, bytes: 1 };
  }
  const bytes = (tag & 3) === 2 ? 2 : 4;
  const offset = bytes === 2 ? tags.readUInt16LE(at) : tags.readUInt32LE(at);
  return { length: (tag >> 2) + 1, offset, bytes };
}

function broken(): RangeError {
  return new RangeError('a batch of Snappy is broken');
}
