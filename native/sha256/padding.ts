/** How a stream ends (FIPS 180-4, 5.1.1). */
export const blockBytes = 64;

const lengthBytes = 8;

/**
 * What follows the last byte of a stream: a one bit, zeros, and the stream's length in bits as
 * 64 bits, up to the end of a block. The length of a stream of more than 512 MiB needs more than
 * 32 of them.
 *
 * @param streamBytes a whole number, exact to 2^53
 */
export function paddingOf(streamBytes: number): Uint8Array {
  const used = ((streamBytes % blockBytes) + 1 + lengthBytes) % blockBytes;
  const zeros = used === 0 ? 0 : blockBytes - used;
  const padding = new Uint8Array(1 + zeros + lengthBytes);
  padding[0] = 0x80;
  new DataView(padding.buffer).setBigUint64(1 + zeros, BigInt(streamBytes) * 8n);
  return padding;
}
