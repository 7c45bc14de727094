/**
 * Gives the memory of a buffer back at once, when nobody uses it any longer. The garbage collector, to
 * which each is a small object, lets some 100 MB of them pile up; and memory that is used again is
 * faster than new. One that is a part of larger memory is left to the collector.
 */
export function release({ buffer, byteOffset, byteLength }: Buffer): void {
  if (byteOffset === 0 && byteLength === buffer.byteLength) (buffer as ArrayBuffer).transfer(0);
}
