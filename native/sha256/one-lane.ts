/** A group of one lane, of an engine that knows a single stream. */
import { type HashGroup, laneBufferBytes } from './engine.ts';

export interface Stream {
  update(bytes: Uint8Array): void;
  /** In hex; the next `update` begins anew only after `reset`. */
  digest(): string;
  reset(): void;
}

export function oneLane(stream: Stream): HashGroup {
  // Who has memory of its own never asks for it.
  let buffer: Uint8Array | undefined;
  return {
    lanes: 1,
    buffer: () => (buffer ??= new Uint8Array(laneBufferBytes)),
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
