/** The package hash-wasm: one stream in WebAssembly. What our own kernel is measured against, too. */
import { createSHA256 } from 'hash-wasm';
import type { HashEngine } from './engine.ts';
import { oneLane } from './one-lane.ts';

export const hashWasm: HashEngine = {
  name: 'hash-wasm',
  lanes: 1,
  async create() {
    const hasher = await createSHA256();
    return oneLane({
      update: (bytes) => void hasher.update(bytes),
      digest: () => hasher.digest('hex'),
      reset: () => void hasher.init(),
    });
  },
};
