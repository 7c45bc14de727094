/** What the pipeline's two ends tell each other. A lane reads one block at a time. */
import type { BlockJob } from '../block-reader.ts';
import type { PreparedChunk } from '../plan.ts';
import type { Done } from '../stages.ts';

/** Of each worker, whatever its engine: as many streams as the widest engine takes at once. */
export const lanesPerWorker = 4;
/**
 * Buffers of a lane, each of one chunk: one is being filled while one is on its way. No chunk is made
 * without a free one, so these are all the chunks that are ever in memory. What waits is on other lanes.
 */
export const buffersPerLane = 2;

export type ToWorker =
  | { readonly kind: 'begin'; readonly lane: number; readonly job: BlockJob }
  /** The buffer of a chunk that was dealt with, to be filled again. */
  | { readonly kind: 'give-back'; readonly lane: number; readonly buffer: ArrayBuffer }
  /** Answered by `ended`. */
  | { readonly kind: 'end'; readonly lane: number };

export type FromWorker =
  | { readonly kind: 'ready' }
  | {
      readonly kind: 'chunk';
      readonly lane: number;
      readonly chunk: PreparedChunk;
      readonly done: Done;
    }
  | { readonly kind: 'changed'; readonly lane: number }
  | { readonly kind: 'unreadable'; readonly lane: number; readonly reason: string }
  /** Nothing of that block comes any more. */
  | { readonly kind: 'ended'; readonly lane: number };
