/** OpenSSL's SHA-256: by far the fastest where the CPU has instructions for it (SHA-NI). */
import { createHash } from 'node:crypto';
import type { HashEngine } from './engine.ts';
import { oneLane } from './one-lane.ts';

export const openssl: HashEngine = {
  name: 'openssl',
  lanes: 1,
  async create() {
    let hash = createHash('sha256');
    return oneLane({
      update: (bytes) => void hash.update(bytes),
      digest: () => hash.digest('hex'),
      reset: () => {
        hash = createHash('sha256');
      },
    });
  },
};
