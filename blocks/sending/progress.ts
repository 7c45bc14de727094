/** How far a sending is: folded from what was found and from what the sender tells. Pure. */
import { blockCount } from '../../wire/records/block-shape.ts';
import type { SendEvent } from './events.ts';
import { type Acknowledged, blockSizeBytes, type Transfer } from './plan.ts';
import type { Found } from './scan.ts';

/** The speed is that of the last ten seconds, in parts of one. */
const partMs = 1_000;
const partsMax = 10;

export interface Amount {
  files: number;
  blocks: number;
  bytes: number;
}

export function nothing(): Amount {
  return { files: 0, blocks: 0, bytes: 0 };
}

/** Counts all that there is to send into `amount`, which tells meanwhile how far it is. */
export async function countAll(
  found: AsyncIterable<Found>,
  blockBytes: number,
  amount: Amount,
): Promise<void> {
  for await (const one of found) {
    if (one.kind !== 'file') continue;
    const { sizeBytes } = one.file.version;
    amount.files += 1;
    amount.blocks += blockCount(sizeBytes, blockBytes);
    amount.bytes += sizeBytes;
  }
}

export class Progress {
  /** As it was counted before the first file was sent. */
  readonly total: Readonly<Amount>;
  /** Acknowledged, some of it to earlier runs. */
  readonly done = nothing();
  /** What this run has sent: bytes of files, and bytes on the way. */
  rawBytes = 0;
  payloadBytes = 0;
  resends = 0;
  /** Files, and blocks of them. */
  failures = 0;
  readonly #startMs: number;
  /** What is acknowledged of a file that is on its way. */
  readonly #doneOf = new WeakMap<Transfer, Acknowledged>();
  readonly #parts: { readonly startMs: number; bytes: number }[] = [];

  /** All times are monotonic. */
  constructor(total: Readonly<Amount>, nowMs: number) {
    this.total = total;
    this.#startMs = nowMs;
  }

  take(event: SendEvent, nowMs: number): void {
    if (event.kind === 'begun') {
      this.#count(event.transfer, event.acknowledged);
    } else if (event.kind === 'acknowledged') {
      const bytes = blockSizeBytes(event.transfer, event.block);
      this.#count(event.transfer, { blocks: 1, bytes });
    } else if (event.kind === 'chunk') {
      this.rawBytes += event.rawBytes;
      this.payloadBytes += event.payloadBytes;
      this.#partAt(nowMs).bytes += event.rawBytes;
    } else if (event.kind === 'changed') {
      // What was acknowledged of the old version is of no use.
      this.#countTo(event.transfer, nothing());
    } else if (event.kind === 'done') {
      const { totalBlocks: blocks, file } = event.transfer;
      // Some were known to be there when it began, some may be by another process.
      this.#countTo(event.transfer, { blocks, bytes: file.version.sizeBytes });
      this.done.files += 1;
    } else if (event.kind === 'again' || event.kind === 'later') {
      this.resends += 1;
    } else if (event.kind === 'failed') {
      this.failures += 1;
    }
  }

  /** Bytes of files a second, lately. */
  bytesPerSecond(nowMs: number): number {
    const sinceMs = Math.max(this.#startMs, this.#partAt(nowMs).startMs - (partsMax - 1) * partMs);
    const bytes = this.#parts.reduce((sum, part) => sum + part.bytes, 0);
    return nowMs > sinceMs ? (bytes * 1_000) / (nowMs - sinceMs) : 0;
  }

  /** Undefined while nobody can know. */
  secondsLeft(nowMs: number): number | undefined {
    const speed = this.bytesPerSecond(nowMs);
    const leftBytes = Math.max(0, this.total.bytes - this.done.bytes);
    return speed > 0 ? leftBytes / speed : undefined;
  }

  /** How many times smaller it became on the way; 1 before anything was sent. */
  get ratio(): number {
    return this.payloadBytes === 0 ? 1 : this.rawBytes / this.payloadBytes;
  }

  /** Since the start. */
  seconds(nowMs: number): number {
    return (nowMs - this.#startMs) / 1_000;
  }

  #count(transfer: Transfer, more: Acknowledged): void {
    const { blocks, bytes } = this.#doneOf.get(transfer) ?? nothing();
    this.#countTo(transfer, { blocks: blocks + more.blocks, bytes: bytes + more.bytes });
  }

  /** So much of it is acknowledged now. */
  #countTo(transfer: Transfer, now: Acknowledged): void {
    const before = this.#doneOf.get(transfer) ?? nothing();
    this.#doneOf.set(transfer, now);
    this.done.blocks += now.blocks - before.blocks;
    this.done.bytes += now.bytes - before.bytes;
  }

  #partAt(nowMs: number): { bytes: number; readonly startMs: number } {
    const startMs = nowMs - (nowMs % partMs);
    const newest = this.#parts.at(-1);
    if (newest?.startMs === startMs) return newest;
    const part = { startMs, bytes: 0 };
    this.#parts.push(part);
    while ((this.#parts[0]?.startMs ?? startMs) <= startMs - partsMax * partMs) this.#parts.shift();
    return part;
  }
}
