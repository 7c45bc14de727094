/** What a reader's threads tell of their work. */
import type { Stages } from '../../runtime/stage-times.ts';

export const STAGES = ['read', 'hash', 'compress'] as const;

/** What a thread has done so far, and how long each stage of it took. */
export interface Done {
  readonly readBytes: number;
  readonly payloadBytes: number;
  readonly stages: Stages<(typeof STAGES)[number]>;
}
