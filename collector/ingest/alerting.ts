/**
 * Judges what is taken in, in the same turn, so that what it finds is committed with its cause.
 * Must not throw.
 */
import type { DecodedSample } from '../../wire/records/decoded.ts';
import type { ServerWindow } from '../windows/window.ts';
import type { Source } from './source.ts';

export interface Alerting {
  sample(source: Source, sample: DecodedSample): void;
  window(source: Source, window: ServerWindow): void;
  /** Nothing more is expected of the server: it said goodbye, or was taken out. */
  ended(source: Source, reason: string): void;
  /** The source is gone from the store. */
  forget(source: Source): void;
}
