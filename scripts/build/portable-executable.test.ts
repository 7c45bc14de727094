import { describe, expect, it } from 'vitest';
import { withoutSignature } from './portable-executable.ts';

const peAt = 0x80;
const optionalAt = peAt + 24;
const securityAt = optionalAt + 112 + 4 * 8;
const bodyBytes = 512;

/** The headers that are looked at, a body, and a signature behind it. */
function signed(signature: number): Buffer {
  const bytes = Buffer.alloc(bodyBytes + signature, 7);
  bytes.write('MZ');
  bytes.writeUInt32LE(peAt, 0x3c);
  bytes.write('PE\0\0', peAt, 'latin1');
  bytes.writeUInt16LE(0x20b, optionalAt);
  bytes.writeUInt32LE(signature === 0 ? 0 : bodyBytes, securityAt);
  bytes.writeUInt32LE(signature, securityAt + 4);
  return bytes;
}

describe('withoutSignature', () => {
  it('cuts the table of certificates, its entry and the checksum, and nothing else', () => {
    const before = signed(96);
    const after = Buffer.from(withoutSignature(before));
    expect(after.length).toBe(bodyBytes);
    const changed = [...after.entries()].filter(([at, byte]) => byte !== before[at]);
    const places = new Set(changed.map(([at]) => at));
    for (const at of places) {
      const isChecksum = at >= optionalAt + 64 && at < optionalAt + 68;
      expect(isChecksum || (at >= securityAt && at < securityAt + 8), `byte ${at}`).toBe(true);
    }
    expect(after.readUInt32LE(optionalAt + 64)).toBe(0);
    expect(after.readBigUInt64LE(securityAt)).toBe(0n);
  });

  it('leaves the given bytes, and what has no signature, as they are', () => {
    const before = signed(96);
    const copy = Buffer.from(before);
    withoutSignature(before);
    expect(before.equals(copy)).toBe(true);
    expect(Buffer.from(withoutSignature(signed(0))).equals(signed(0))).toBe(true);
  });

  it.each([
    ['nothing', Buffer.alloc(0)],
    ['an executable of Linux', Buffer.from('\x7fELF'.padEnd(1024, '\0'))],
    ['a beginning alone', signed(0).subarray(0, securityAt + 4)],
  ])('refuses %s', (_, bytes) => {
    expect(() => withoutSignature(bytes)).toThrow('no Windows executable');
  });

  it('refuses something behind the signature: cutting there would lose it', () => {
    expect(() => withoutSignature(Buffer.concat([signed(96), Buffer.alloc(8)]))).toThrow(
      'not the end of the file',
    );
  });
});
