/**
 * The partition of a key, as Java's clients choose it: murmur2 of its bytes, made positive.
 * Source: A. Appleby's MurmurHash2 (public domain) with the seed of Kafka's clients.
 */
const seed = 0x9747b28c;
const m = 0x5bd1e995;

export function partitionOf(key: string | Buffer, partitions: number): number {
  return (murmur2(Buffer.from(key)) & 0x7fffffff) % partitions;
}

function murmur2(bytes: Buffer): number {
  const { length } = bytes;
  let hash = seed ^ length;
  const whole = length - (length % 4);
  for (let at = 0; at < whole; at += 4) {
    let word = Math.imul(bytes.readInt32LE(at), m);
    word = Math.imul(word ^ (word >>> 24), m);
    hash = Math.imul(hash, m) ^ word;
  }
  for (let at = length - 1; at >= whole; at -= 1) hash ^= (bytes[at] ?? 0) << (8 * (at - whole));
  if (whole < length) hash = Math.imul(hash, m);
  hash = Math.imul(hash ^ (hash >>> 13), m);
  return hash ^ (hash >>> 15);
}
