/** What a receiver's threads tell of their work. */
import type { Stages } from '../../runtime/stage-times.ts';

/** `unpack`: checksum and decompression. */
export const STAGES = ['unpack', 'write', 'hash', 'sync'] as const;

/** What a thread has done so far, and how long each stage of it took. */
export interface Done {
  /** Of chunks, before compression. */
  readonly rawBytes: number;
  readonly stages: Stages<(typeof STAGES)[number]>;
}
