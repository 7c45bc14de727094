/** Where what lies in an output folder. Pure. The folders of blocks are those of the old system. */
import { join } from 'node:path';
import { safeName } from './names.ts';

export interface Layout {
  /** The output folder itself. */
  readonly folder: string;
  /** What people need not look into: the index, and blocks on their way. */
  readonly workFolder: string;
  readonly partsFolder: string;
  readonly indexPath: string;
  readonly blocksFolder: string;
  readonly assembledFolder: string;
}

export function layoutOf(folder: string, machineId: string): Layout {
  const workFolder = join(folder, '.windrow');
  return {
    folder,
    workFolder,
    partsFolder: join(workFolder, 'parts'),
    indexPath: join(workFolder, 'received.db'),
    blocksFolder: join(folder, `processed_data_${safeName(machineId)}`),
    assembledFolder: join(folder, 'assembled'),
  };
}

/** @param transferFolder of the transfer: name only */
export function blockPaths({ blocksFolder }: Layout, transferFolder: string, blockNumber: number) {
  const folder = join(blocksFolder, transferFolder);
  const name = `block_${String(blockNumber).padStart(4, '0')}`;
  return {
    folder,
    path: join(folder, `${name}.bin`),
    metadataPath: join(folder, `${name}_metadata.json`),
  };
}
