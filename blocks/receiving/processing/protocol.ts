/** What a person's own module gets, and what its thread answers. */

/** The argument of the module's default export. Names are as the sender gave them: no paths to be used. */
export interface BlockToProcess {
  /** Of a file that holds the block's bytes; for reading, until the returned promise settles. */
  readonly path: string;
  readonly file_name: string;
  readonly relative_path: string;
  readonly sender: string;
  readonly transfer_id: string;
  readonly block_number: number;
  readonly total_blocks: number;
  readonly block_size_bytes: number;
  readonly checksum: string;
}

export interface ProcessingData {
  /** Address of the module: `file:///…`. */
  readonly module: string;
}

/** `ready` comes once, when the module is loaded; then an outcome for each block. */
export type ThreadMessage =
  | { readonly kind: 'ready' }
  | { readonly kind: 'unusable'; readonly reason: string }
  | { readonly kind: 'done' }
  | { readonly kind: 'failed'; readonly reason: string };
