/** The collector's clock, as this page knows it: a viewer's own may be minutes off. */
export class CollectorClock {
  #offsetMs = 0;

  /** Called with the collector's `now` of an answer that has just arrived. */
  set(nowMs: number): void {
    this.#offsetMs = nowMs - Date.now();
  }

  now(): number {
    return Date.now() + this.#offsetMs;
  }
}
