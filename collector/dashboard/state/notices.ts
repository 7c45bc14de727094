/** Messages for people that come by themselves. Bounded: a chatty collector must not cover the page. */
export interface Notice {
  readonly key: number;
  readonly ts: number;
  readonly text: string;
}

const noticesMax = 4;
const shownMs = 30_000;

export class Notices {
  list: readonly Notice[] = [];
  readonly #changed: () => void;
  #keys = 0;

  constructor(changed: () => void) {
    this.#changed = changed;
  }

  add(ts: number, text: string): void {
    this.#keys += 1;
    const key = this.#keys;
    this.list = [...this.list, { key, ts, text }].slice(-noticesMax);
    this.#changed();
    setTimeout(() => this.dismiss(key), shownMs);
  }

  dismiss(key: number): void {
    this.list = this.list.filter((notice) => notice.key !== key);
    this.#changed();
  }
}
