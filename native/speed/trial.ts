/** What a thread is asked to do for a while, and how fast it was. */
import type { EngineName } from '../sha256/engine.ts';

/** As much as a record of a block carries. */
export const pieceBytes = 983_040;

export type Trial = { readonly forMs: number } & (
  | { readonly what: 'hash'; readonly engine: EngineName; readonly streams: number }
  | {
      readonly what: 'lz4';
      readonly direction: 'compress' | 'decompress';
      readonly data: 'text' | 'random';
    }
);

/** MB/s: 10^6 bytes, before compression. */
export interface Speed {
  readonly mbps: number;
  /** For each second of the CPU: what it would be if nothing else ran here. */
  readonly cpuMbps: number;
}
