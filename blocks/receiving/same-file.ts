/** One transfer is one version of one file: whoever says something else of it is wrong, or lies. Pure. */
import { WindrowError } from '../../runtime/errors.ts';
import type { BlockChunk } from '../../wire/records/block-chunk.ts';
import type { StoredTransfer } from './received-index.ts';

type FileFields = Pick<
  BlockChunk,
  'sender' | 'file_name' | 'path' | 'file_size_bytes' | 'block_bytes'
>;

const FILE_FIELDS = ['sender', 'file_name', 'path', 'file_size_bytes', 'block_bytes'] as const;

/** What the index knows of it, as a chunk says it. */
export function fileOf(transfer: StoredTransfer): FileFields {
  const { sender, file_name, path, size_bytes, block_bytes } = transfer;
  return { sender, file_name, path, file_size_bytes: size_bytes, block_bytes };
}

/** @throws WindrowError `input` */
export function assertSameFile(known: FileFields, chunk: BlockChunk): void {
  const other = FILE_FIELDS.find((field) => known[field] !== chunk[field]);
  if (other === undefined) return;
  throw new WindrowError(
    'input',
    `transfer ${chunk.transfer_id} came with another ${other} before`,
  );
}
