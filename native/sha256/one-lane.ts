/** A group of one lane, of an engine that knows a single stream. */
import { type HashGroup, laneBufferBytes } from './engine.ts';

export interface Stream {
  update(bytes: Uint8Array): void;
  /** In hex; the next `update` begins anew only after `reset`. */
  digest(): string;
  reset(): void;
}

export function oneLane(stream: Stream): HashGroup {
  const buffer = new Uint8Array(laneBufferBytes);
  return {
    lanes: 1,
    buffer: () => buffer,
    update([chunk]) {
      if (chunk !== undefined) stream.update(chunk);
    },
    digest() {
      const hex = stream.digest();
      stream.reset();
      return hex;
    },
    reset: () => stream.reset(),
  };
}
