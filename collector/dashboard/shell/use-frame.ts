import { useEffect, useState } from 'preact/hooks';
import type { Frame } from '../state/frame.ts';

/** Draws the component anew in each frame that something changed in. */
export function useFrame(frame: Frame): void {
  const [, setFrames] = useState(0);
  useEffect(() => frame.subscribe(() => setFrames((frames) => frames + 1)), [frame]);
}
