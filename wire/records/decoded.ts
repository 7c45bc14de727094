/** What a record turns out to be: one shape for every format, so that nothing behind it knows where it came from. */
import type { Inventory } from './inventory.ts';
import type { RawRecord } from './record.ts';
import type { Processes } from './sample.ts';

/** Cumulative counters in bytes, which become rates once two of them are known. */
export interface Counters {
  readonly netIn: number;
  readonly netOut: number;
  readonly diskIo: number;
}

/** A sample is told from its repeat by these, within its server. */
export interface SampleIdentity {
  readonly bootId: string;
  readonly seq: number;
}

export interface DecodedSample {
  readonly kind: 'sample';
  readonly serverId: string;
  readonly tsMs: number;
  /** Absent in formats that have no sequence; such records cannot be told apart from their repeats. */
  readonly identity?: SampleIdentity;
  /** Present on a replayed record: its source is the file whose hash is the boot id. */
  readonly originMs?: number | undefined;
  /** In METRICS order; NaN is unavailable. */
  readonly values: readonly number[];
  /** Which of a server's parallel streams this came on (SEEDS A has one for each metric). */
  readonly lane: number;
  /** The time of day came without a date, and the date was put to it here. */
  readonly datedHere?: boolean;
  /** The sender's clock when it sent, where the format has no other way to tell a wrong clock. */
  readonly sentMs?: number;
  readonly counters?: Counters;
  /** The rest of the sample, as JSON of the Sample fields that are no METRICS and no identity. */
  readonly detail?: string | undefined;
  /** Also in `detail`; here for who looks at them without reading JSON. */
  readonly processes?: Processes | undefined;
}

export type Decoded =
  | DecodedSample
  | { readonly kind: 'inventory'; readonly inventory: Inventory }
  | { readonly kind: 'goodbye'; readonly serverId: string; readonly bootId: string }
  | { readonly kind: 'end'; readonly sourceId: string; readonly originMs: number }
  | { readonly kind: 'connection-test'; readonly from: string | undefined }
  | { readonly kind: 'malformed'; readonly reason: string };

/** Turns one format's value into what it is. `receivedMs` is the collector's clock. */
export type Decoder = (
  record: Pick<RawRecord, 'topic' | 'key' | 'value' | 'timeMs'>,
  receivedMs: number,
) => Decoded;
