/** Whether a block fits: into the quota of all that is received, and onto the disk without its last twentieth. */
import { statfsSync } from 'node:fs';
import { WindrowError } from '../../runtime/errors.ts';

/** Belongs to whoever has to repair the machine, and to what else runs on it. */
const diskReserveShare = 0.05;
/** Somebody has to take files away; asking more often changes nothing. */
const quotaRetryMs = 60_000;
const diskRetryMs = 10_000;

export interface RoomNeeds {
  readonly sizeBytes: number;
  /** Of stored blocks. */
  readonly usedBytes: number;
  /** Of the blocks on their way: what they will have, and what of it is not written yet. */
  readonly openBytes: number;
  readonly unwrittenBytes: number;
}

/**
 * Looked at before a block's first chunk is written, all that is open counted in: otherwise many
 * halves of blocks would fill the disk, and none would ever be whole.
 * @throws WindrowError `refused` when it never fits, `no_room` (retryable) when it does not fit now
 */
export function assertRoom(folder: string, quotaBytes: number, needs: RoomNeeds): void {
  const { sizeBytes, usedBytes, openBytes, unwrittenBytes } = needs;
  if (sizeBytes > quotaBytes) {
    throw new WindrowError(
      'refused',
      `a block of ${sizeBytes} bytes is larger than the quota of received files (${quotaBytes} bytes)`,
    );
  }
  if (usedBytes + openBytes + sizeBytes > quotaBytes) {
    throw new WindrowError(
      'no_room',
      `the quota of received files is used up (${quotaBytes} bytes)`,
      { retryable: true, retryAfterMs: quotaRetryMs },
    );
  }
  const { bavail, blocks, bsize } = statfsSync(folder);
  const freeBytes = (bavail - blocks * diskReserveShare) * bsize;
  if (unwrittenBytes + sizeBytes > freeBytes) {
    throw new WindrowError('no_room', 'the disk of received files is full', {
      retryable: true,
      retryAfterMs: diskRetryMs,
    });
  }
}
