/**
 * The signature of a Windows executable, taken off: what is injected would break it, and signing the
 * result afterwards needs the place. Microsoft's "PE Format": the header's security directory names
 * the table of certificates, which is the end of the file.
 */

const peOffsetAt = 0x3c;
const coffBytes = 24;
const pe32PlusMagic = 0x20b;
const checksumAt = 64;
/** Data directories of PE32+ follow 112 bytes of the optional header; the fifth is the security directory. */
const securityAt = 112 + 4 * 8;

/** @throws Error when it is no 64-bit executable, or has something behind its signature */
export function withoutSignature(executable: Uint8Array): Uint8Array {
  const bytes = Buffer.from(executable);
  const pe = bytes.length > peOffsetAt + 4 ? bytes.readUInt32LE(peOffsetAt) : bytes.length;
  const optional = pe + coffBytes;
  if (
    optional + securityAt + 8 > bytes.length ||
    bytes.toString('latin1', pe, pe + 4) !== 'PE\0\0'
  ) {
    throw new Error('this is no Windows executable');
  }
  if (bytes.readUInt16LE(optional) !== pe32PlusMagic) {
    throw new Error('this is no 64-bit Windows executable');
  }
  const at = bytes.readUInt32LE(optional + securityAt);
  const size = bytes.readUInt32LE(optional + securityAt + 4);
  if (at === 0) return bytes;
  if (at + size !== bytes.length) throw new Error('the signature is not the end of the file');
  bytes.writeUInt32LE(0, optional + checksumAt);
  bytes.fill(0, optional + securityAt, optional + securityAt + 8);
  return bytes.subarray(0, at);
}
