/**
 * Four streams side by side through the vector instructions of WebAssembly (sha256x4.c).
 *
 * A lane's tail holds the bytes after the last whole block of its stream, fewer than a block; all
 * before them is in the lane's state.
 */
import { type HashEngine, type HashGroup, laneBufferBytes } from './engine.ts';
import { createKernel, type Kernel } from './kernel.ts';
import { blockBytes, paddingOf } from './padding.ts';

const LANES = [0, 1, 2, 3] as const;
const lanes = LANES.length;
/** FIPS 180-4, 5.3.3. */
const INITIAL_STATE = [
  0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
] as const;

export const simd4: HashEngine = {
  name: 'simd4',
  lanes,
  async create() {
    return new LaneGroup(await createKernel());
  },
};

/** Bytes in the kernel's memory. */
interface Span {
  at: number;
  bytes: number;
}

class LaneGroup implements HashGroup {
  readonly lanes = lanes;
  readonly #kernel: Kernel;
  readonly #memory: Uint8Array;
  readonly #state: Uint32Array;
  readonly #streamBytes = LANES.map(() => 0);

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
    this.#memory = new Uint8Array(kernel.memory.buffer);
    const stateAt = kernel.lane_state.value;
    this.#state = new Uint32Array(kernel.memory.buffer, stateAt, INITIAL_STATE.length * lanes);
    for (const lane of LANES) this.reset(lane);
  }

  buffer(lane: number): Uint8Array {
    const at = this.#inputAt(lane);
    return this.#memory.subarray(at, at + laneBufferBytes);
  }

  update(chunks: readonly (Uint8Array | undefined)[]): void {
    const longestBytes = Math.max(...LANES.map((lane) => chunks[lane]?.length ?? 0));
    for (let from = 0; from < longestBytes; from += laneBufferBytes) {
      const spans = LANES.map((lane) => {
        const piece = chunks[lane]?.subarray(from, from + laneBufferBytes);
        return this.#withTail(lane, this.#placed(lane, piece ?? NOTHING));
      });
      this.#compress(spans);
    }
  }

  digest(lane: number): string {
    const padding = paddingOf(this.#bytesOf(lane));
    const tailAt = this.#tailAt(lane);
    const tailBytes = this.#tailBytes(lane);
    this.#memory.set(padding, tailAt + tailBytes);
    this.#kernel.compress1(lane, tailAt, (tailBytes + padding.length) / blockBytes);
    const digest = Buffer.alloc(INITIAL_STATE.length * 4);
    for (let word = 0; word < INITIAL_STATE.length; word += 1) {
      digest.writeUInt32BE(this.#state[word * lanes + lane] ?? 0, word * 4);
    }
    this.reset(lane);
    return digest.toString('hex');
  }

  reset(lane: number): void {
    this.#streamBytes[lane] = 0;
    INITIAL_STATE.forEach((value, word) => {
      this.#state[word * lanes + lane] = value;
    });
  }

  /** Where these bytes are in the kernel's memory: in the lane's buffer, copied when they are not there. */
  #placed(lane: number, bytes: Uint8Array): Span {
    const at = this.#inputAt(lane);
    const { buffer, byteOffset, length } = bytes;
    const isThere =
      buffer === this.#memory.buffer &&
      byteOffset >= at &&
      byteOffset + length <= at + laneBufferBytes;
    if (isThere) return { at: byteOffset, bytes: length };
    this.#memory.set(bytes, at);
    return { at, bytes: length };
  }

  /** Counts the bytes, and fills up a tail that was begun. @returns what is left of them */
  #withTail(lane: number, span: Span): Span {
    const tailBytes = this.#tailBytes(lane);
    this.#streamBytes[lane] = this.#bytesOf(lane) + span.bytes;
    if (tailBytes === 0) return span;
    const bytes = Math.min(blockBytes - tailBytes, span.bytes);
    const tailAt = this.#tailAt(lane);
    this.#memory.copyWithin(tailAt + tailBytes, span.at, span.at + bytes);
    if (tailBytes + bytes === blockBytes) this.#kernel.compress1(lane, tailAt, 1);
    return { at: span.at + bytes, bytes: span.bytes - bytes };
  }

  /** All whole blocks, of as many lanes together as still have some; then a lane's rest is its tail. */
  #compress(spans: readonly Span[]): void {
    for (;;) {
      const busy = spans.filter(({ bytes }) => bytes >= blockBytes);
      const [first] = busy;
      if (first === undefined) break;
      const blocks = Math.floor(Math.min(...busy.map(({ bytes }) => bytes)) / blockBytes);
      if (busy.length === 1) this.#kernel.compress1(spans.indexOf(first), first.at, blocks);
      else this.#compress4(spans, first.at, blocks);
      for (const span of busy) {
        span.at += blocks * blockBytes;
        span.bytes -= blocks * blockBytes;
      }
    }
    spans.forEach(({ at, bytes }, lane) => {
      if (bytes > 0) this.#memory.copyWithin(this.#tailAt(lane), at, at + bytes);
    });
  }

  /** @param idleAt where lanes that have no whole block may read */
  #compress4(spans: readonly Span[], idleAt: number, blocks: number): void {
    let active = 0;
    const at = (lane: number): number => {
      const span = spans[lane];
      if (span === undefined || span.bytes < blockBytes) return idleAt;
      active |= 1 << lane;
      return span.at;
    };
    this.#kernel.compress4(at(0), at(1), at(2), at(3), blocks, active);
  }

  #bytesOf(lane: number): number {
    return this.#streamBytes[lane] ?? 0;
  }

  #tailBytes(lane: number): number {
    return this.#bytesOf(lane) % blockBytes;
  }

  #inputAt(lane: number): number {
    return this.#kernel.lane_input.value + lane * laneBufferBytes;
  }

  #tailAt(lane: number): number {
    return this.#kernel.lane_tail.value + lane * 2 * blockBytes;
  }
}

const NOTHING = new Uint8Array(0);
