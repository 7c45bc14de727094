/**
 * Whether a write-ahead log says what was written to it. SQLite reads it up to the first frame
 * whose checksum is wrong, and takes it for empty when the header's is: what comes behind is gone
 * without a word. Format: sqlite.org/fileformat2.html#the_write_ahead_log
 */
import { closeSync, openSync, readSync } from 'node:fs';
import { systemCodeOf } from '../errors.ts';
import { walPathOf } from './damage.ts';

/** The first bytes of every log but for their last bit, which tells the checksums' byte order. */
const walMagic = 0x377f0682;
const headerBytes = 32;
const frameHeaderBytes = 24;
/** Of a frame's header, the rest of which is salts and checksum, these count in the checksum. */
const summedBytes = 8;
/** Offsets in a log's header, and in a frame's. */
const walSaltsAt = 16;
const frameSaltsAt = 8;
const saltsBytes = 8;
const pageBytesMax = 65_536;

/** `whole`: nothing of it is read; `part`: what was written behind the damage is not. */
export type WalDamage = 'none' | 'part' | 'whole';

/** @throws what the system says when the log cannot be read */
export function damageOfWal(path: string): WalDamage {
  let fd: number;
  try {
    fd = openSync(walPathOf(path), 'r');
  } catch (error) {
    if (systemCodeOf(error) === 'ENOENT') return 'none';
    throw error;
  }
  try {
    return damageIn(fd);
  } finally {
    closeSync(fd);
  }
}

function damageIn(fd: number): WalDamage {
  const header = Buffer.alloc(headerBytes);
  const bytesRead = readSync(fd, header);
  if (bytesRead < headerBytes) return bytesRead > 0 ? 'whole' : 'none';
  const magic = header.readUInt32BE(0);
  // A header that was never written (the power failed): the log is in fact empty.
  if (magic === 0) return 'none';
  const pageBytes = header.readUInt32BE(8);
  const sum = new WalSum((magic & 1) === 1);
  sum.add(header.subarray(0, headerBytes - 8));
  const isSound = (magic & ~1) === walMagic && sum.isAt(header, headerBytes - 8);
  if (!isSound || pageBytes > pageBytesMax) return 'whole';
  const salts = header.subarray(walSaltsAt, walSaltsAt + saltsBytes);
  return hasFramesBehindDamage(fd, { sum, salts, pageBytes }) ? 'part' : 'none';
}

interface Log {
  /** Of the header. */
  readonly sum: WalSum;
  readonly salts: Buffer;
  readonly pageBytes: number;
}

/** What an earlier round of the log left behind its end has other salts. */
function hasFramesBehindDamage(fd: number, { sum, salts, pageBytes }: Log): boolean {
  const frame = Buffer.alloc(frameHeaderBytes + pageBytes);
  let isEnded = false;
  while (readSync(fd, frame) === frame.length) {
    const isOfThisLog = frame.subarray(frameSaltsAt, frameSaltsAt + saltsBytes).equals(salts);
    if (isEnded && isOfThisLog) return true;
    if (isEnded) continue;
    sum.add(frame.subarray(0, summedBytes));
    sum.add(frame.subarray(frameHeaderBytes));
    isEnded = !isOfThisLog || !sum.isAt(frame, frameHeaderBytes - 8);
    if (isEnded && isOfThisLog) return true;
  }
  return false;
}

/** The running checksum of a log. */
class WalSum {
  readonly #isBigEndian: boolean;
  #first = 0;
  #second = 0;

  constructor(isBigEndian: boolean) {
    this.#isBigEndian = isBigEndian;
  }

  /** @param bytes a multiple of 8 */
  add(bytes: Buffer): void {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    const isLittleEndian = !this.#isBigEndian;
    for (let at = 0; at < bytes.length; at += 8) {
      this.#first = (this.#first + view.getUint32(at, isLittleEndian) + this.#second) >>> 0;
      this.#second = (this.#second + view.getUint32(at + 4, isLittleEndian) + this.#first) >>> 0;
    }
  }

  /** Whether the checksum that stands there, big-endian in every log, is this one. */
  isAt(bytes: Buffer, at: number): boolean {
    return bytes.readUInt32BE(at) === this.#first && bytes.readUInt32BE(at + 4) === this.#second;
  }
}
