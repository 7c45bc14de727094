/** What the writer noted: which records its outbox owes, and for how long it has. */
import { tickMs } from './records.ts';

/** A second, in ticks; and those that pass until the sync that is due then has begun. */
const owedTicks = 1_000 / tickMs + 4;

export class Notes {
  /** When each that is not acknowledged was added, in ticks. */
  readonly #waiting = new Map<number, number>();
  #ticks = 0;

  /**
   * @param line as the writer wrote it
   * @param isSyncing the disk was at work: what that takes is not the outbox's to say
   */
  take(line: string, isSyncing: boolean): void {
    const [what, ...numbers] = line.trim().split(' ');
    if (what === 'added') {
      if (!isSyncing) this.#ticks += 1;
      for (const number of numbers) this.#waiting.set(Number(number), this.#ticks);
    } else {
      for (const number of numbers) this.#waiting.delete(Number(number));
    }
  }

  /** What must survive a cut now. A tick is never shorter than it should be, so all are old enough. */
  owed(): number[] {
    const added = [...this.#waiting];
    return added.filter(([, at]) => this.#ticks - at > owedTicks).map(([number]) => number);
  }
}
