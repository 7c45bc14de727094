/**
 * SHA-256 by whichever engine is the fastest here: each hashes `lanes` streams side by side.
 * What a stream's digest is never depends on the engine, nor on how its bytes were cut.
 */
export const ENGINE_NAMES = ['openssl', 'hash-wasm', 'simd4'] as const;

export type EngineName = (typeof ENGINE_NAMES)[number];

/** Bytes of the memory that each lane offers to be read into: a step of 1 MiB reads at the disk's speed. */
export const laneBufferBytes = 1 << 20;

export interface HashEngine {
  readonly name: EngineName;
  /** Streams that one thread hashes at the same time. */
  readonly lanes: number;
  /** A group of its own memory (up to 5 MiB) and state, for use by one thread. */
  create(): Promise<HashGroup>;
}

/** Up to `lanes` streams, each on a lane; an ended or abandoned one leaves its lane to another. */
export interface HashGroup {
  readonly lanes: number;
  /** `laneBufferBytes` of memory: what is read into it and handed to `update` is not copied. */
  buffer(lane: number): Uint8Array;
  /**
   * Takes the next bytes of every stream at once, `chunks[lane]` of any length; undefined or left
   * out where there are none. A chunk must not lie in another lane's buffer. Nothing of it is kept.
   */
  update(chunks: readonly (Uint8Array | undefined)[]): void;
  /** The stream's SHA-256 in lower-case hex; the lane then begins a new stream. */
  digest(lane: number): string;
  /** Forgets the stream; the lane begins a new one. */
  reset(lane: number): void;
}
