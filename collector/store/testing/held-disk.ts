/** A disk for the store's writer, whose syncs end when the test says so. */
import type { Wal } from '../wal.ts';

export function heldDisk() {
  const syncs: PromiseWithResolvers<void>[] = [];
  const disk: Pick<Wal, 'unsynced' | 'sync' | 'close'> = {
    unsynced: (work) => work(),
    sync: () => {
      const sync = Promise.withResolvers<void>();
      syncs.push(sync);
      return sync.promise;
    },
    close: async () => {},
  };
  return { disk, syncs };
}
