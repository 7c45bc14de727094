/** What the receiver and its threads say to each other. A part is known by the number that it got when its first chunk came. */
import type { BlockTarget, PartChunk } from '../part-file.ts';
import type { Done } from '../stages.ts';

export type Order =
  | { readonly kind: 'open'; readonly part: number; readonly path: string }
  | {
      readonly kind: 'write';
      readonly part: number;
      readonly chunk: PartChunk;
      /** Its memory is moved to the thread, and back with the outcome. */
      readonly payload: Uint8Array<ArrayBuffer>;
    }
  | { readonly kind: 'verify'; readonly part: number; readonly sha256: string }
  | { readonly kind: 'store'; readonly part: number; readonly target: BlockTarget }
  | { readonly kind: 'drop'; readonly part: number };

/** `bad`: the block has to be sent again; `failed`: the disk's or the system's fault. */
export type Outcome =
  | { readonly kind: 'done' }
  | { readonly kind: 'bad'; readonly reason: string }
  | { readonly kind: 'failed'; readonly code: string | undefined; readonly reason: string };

export interface OrderMessage {
  readonly no: number;
  readonly order: Order;
}

export interface OutcomeMessage {
  readonly no: number;
  readonly outcome: Outcome;
  readonly done: Done;
  /** Of the payload that came with the order. */
  readonly buffer?: ArrayBuffer;
}
