/**
 * Looks, a few at a time and round and round, whether what the index lists is still there: people
 * take received files away, and that makes room in the quota.
 */
import { lstatSync } from 'node:fs';
import { lstat } from 'node:fs/promises';
import { join } from 'node:path';
import { systemCodeOf } from '../../runtime/errors.ts';
import { blockPaths } from './layout.ts';
import type { BlockPlace } from './received-index.ts';
import type { BlockReceiver } from './receiver.ts';

/** Of one step; some milliseconds on a slow disk. */
const blocksPerStep = 100;
const start: BlockPlace = { transfer: 0, block_number: -1 };

export class Sweep {
  readonly #receiver: BlockReceiver;
  #at = start;

  constructor(receiver: BlockReceiver) {
    this.#receiver = receiver;
  }

  /** @throws WindrowError when what is gone cannot be noted */
  async step(): Promise<void> {
    const places = this.#receiver.index.after(this.#at, blocksPerStep);
    for (const place of places) await this.#look(place);
    const last = places.at(-1);
    this.#at = last ?? start;
    if (last === undefined) await this.#forgetUnused();
  }

  async #look({ transfer: key, block_number }: BlockPlace): Promise<void> {
    const { index, layout } = this.#receiver;
    const transfer = index.byKey(key);
    if (transfer === undefined || this.#receiver.isOpen(transfer.id)) return;
    const { path } = blockPaths(layout, transfer.folder, block_number);
    if (!(await isGone(path))) return;
    const isStillGone = (): boolean =>
      !this.#receiver.isOpen(transfer.id) &&
      lstatSync(path, { throwIfNoEntry: false }) === undefined;
    await index.gone(transfer, block_number, isStillGone);
  }

  /** The names of their folders are free again. */
  async #forgetUnused(): Promise<void> {
    const { index, layout } = this.#receiver;
    for (const transfer of index.unused(blocksPerStep)) {
      if (!(await isGone(join(layout.blocksFolder, transfer.folder)))) continue;
      await index.forget(transfer, () => this.#receiver.isOpen(transfer.id));
    }
  }
}

async function isGone(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return false;
  } catch (error) {
    return systemCodeOf(error) === 'ENOENT';
  }
}
