/**
 * One redraw per animation frame, however many events came in between. A hidden tab has no frames,
 * so nothing is drawn there while data goes on being gathered; it catches up in its first frame.
 */
export class Frame {
  readonly #listeners = new Set<() => void>();
  #asked = false;

  readonly request = (): void => {
    if (this.#asked) return;
    this.#asked = true;
    requestAnimationFrame(() => {
      this.#asked = false;
      for (const listener of this.#listeners) listener();
    });
  };

  /** Returns what ends the subscription. */
  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }
}
