/** Transfers of files as people see them, for the page too. Times are ms since the epoch. */

/** A machine or file heard within this time is active. */
export const activeMs = 60_000;

export type MachineRole = 'sender' | 'receiver';

/** One that sends blocks, or receives and stores them; one that does both is there twice. */
export interface MachineView {
  readonly machine_id: string;
  readonly role: MachineRole;
  readonly last_heard_ms: number;
  /** Heard within the last 60 s. */
  readonly active: boolean;
  /** By which it hashes blocks. Null where it is not known, as of all that goes through Kafka. */
  readonly engine: string | null;
  /** Over the last 10 s. */
  readonly bytes_per_second: number;
  /** Stored since it is heard; bytes and failures likewise. */
  readonly blocks: number;
  readonly bytes: number;
  readonly failures: number;
}

/** `active`: something came of it within the last 60 s; `waiting`: not; `done`: every block is stored. */
export type TransferState = 'active' | 'waiting' | 'done';

/** One version of one file. */
export interface TransferView {
  readonly id: string;
  readonly file_name: string;
  /** Null where an acknowledgment of the old system is all that is known; likewise below. */
  readonly sender: string | null;
  readonly size_bytes: number | null;
  readonly total_blocks: number | null;
  readonly state: TransferState;
  /** Stored. */
  readonly blocks: number;
  /** Stored, and of blocks on their way. */
  readonly bytes: number;
  /** Blocks that had to be sent again, and why the last of them. */
  readonly failures: number;
  readonly reason: string | null;
  readonly heard_ms: number;
  /** Null while it cannot be told. */
  readonly left_ms: number | null;
}

/** Of all, whether they are listed or not. */
export interface TransferTotals {
  readonly transfers: number;
  readonly transfers_active: number;
  readonly machines: number;
  readonly machines_active: number;
  /** Blocks that had to be sent again. */
  readonly failures: number;
}

/** GET /api/transfers */
export interface TransfersView {
  readonly now: number;
  /** Those that are active first, then by name. */
  readonly machines: readonly MachineView[];
  readonly totals: TransferTotals;
  /** Over the last 10 s. */
  readonly bytes_per_second: number;
  /** The most recently heard first. */
  readonly transfers: readonly TransferView[];
}
