/**
 * Judges what is taken in, in the same turn, so that what it finds is committed with its cause.
 * Must not throw.
 */
import type { DecodedSample } from '../../wire/records/decoded.ts';
import type { ServerWindow } from '../windows/window.ts';
import type { Source } from './source.ts';

/** Why nothing more is expected of a server; told to people. */
export type EndReason = 'said goodbye' | 'decommissioned';

export interface Alerting {
  sample(source: Source, sample: DecodedSample): void;
  window(source: Source, window: ServerWindow): void;
  /** Nothing more is expected of the server. */
  ended(source: Source, reason: EndReason): void;
  /** The source is gone from the store. */
  forget(source: Source): void;
}
