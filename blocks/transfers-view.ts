/** Transfers of files as people see them: types alone, for the page too. Times are ms since the epoch. */

/** One that receives and stores blocks. */
export interface MachineView {
  readonly machine_id: string;
  readonly last_heard_ms: number;
  /** Heard within the last 60 s. */
  readonly active: boolean;
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

/** GET /api/transfers */
export interface TransfersView {
  readonly now: number;
  readonly machines: readonly MachineView[];
  /** Over the last 10 s. */
  readonly bytes_per_second: number;
  /** The most recently heard first. */
  readonly transfers: readonly TransferView[];
}
