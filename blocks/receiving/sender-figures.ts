/** What senders tell of themselves with the blocks that are stored: by what they hash, and what their stages take. */
import { ENGINE_NAMES } from '../../native/sha256/engine.ts';
import type { BlockChunk } from '../../wire/records/block-chunk.ts';

/** `other`: one that we do not have, or that they did not name. */
export const SENDER_ENGINES = [...ENGINE_NAMES, 'other'] as const;
export type SenderEngine = (typeof SENDER_ENGINES)[number];

const SENDER_STAGES = ['read', 'hash', 'compress'] as const;

export class SenderFigures {
  /** Blocks. */
  readonly byEngine = new Map<SenderEngine, number>();
  /** What went through each stage. */
  readBytes = 0;
  /** Of all threads of all senders. */
  readonly times = {
    read: { ms: 0, cpuMs: 0 },
    hash: { ms: 0, cpuMs: 0 },
    compress: { ms: 0, cpuMs: 0 },
  };

  /** @param chunk the block's last */
  stored({ last }: BlockChunk): void {
    const engine = ENGINE_NAMES.find((name) => name === last?.engine) ?? 'other';
    this.byEngine.set(engine, (this.byEngine.get(engine) ?? 0) + 1);
    if (last?.work === undefined) return;
    this.readBytes += last.work.read_bytes;
    for (const stage of SENDER_STAGES) {
      this.times[stage].ms += last.work[stage].ms;
      this.times[stage].cpuMs += last.work[stage].cpu_ms;
    }
  }
}
