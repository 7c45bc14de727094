/** What a sender tells while it works; progress and outcome are folded from it. */
import type { Acknowledged, Transfer } from './plan.ts';

export type SendEvent =
  /** A version of a file begins, some of which may be there already. */
  | { readonly kind: 'begun'; readonly transfer: Transfer; readonly acknowledged: Acknowledged }
  | { readonly kind: 'chunk'; readonly rawBytes: number; readonly payloadBytes: number }
  | { readonly kind: 'acknowledged'; readonly transfer: Transfer; readonly block: number }
  /** A block is sent again, the n-th time. */
  | {
      readonly kind: 'again';
      readonly transfer: Transfer;
      readonly block: number;
      readonly resend: number;
      readonly reason: string;
    }
  /** A block found no room and is sent again, after a while: one `waiting` tells it of all that do. */
  | { readonly kind: 'later' }
  /** The file is another version now, which is sent from its beginning. */
  | { readonly kind: 'changed'; readonly transfer: Transfer }
  | { readonly kind: 'done'; readonly transfer: Transfer }
  | { readonly kind: 'left-out'; readonly path: string; readonly reason: string }
  /** A file, or a block of it. */
  | { readonly kind: 'failed'; readonly path: string; readonly reason: string }
  /** The other side is away, or asks to wait. */
  | { readonly kind: 'waiting'; readonly reason: string; readonly hint: string | undefined }
  | { readonly kind: 'going-on' };

export type Tell = (event: SendEvent) => void;
