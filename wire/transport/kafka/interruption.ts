/** What keeps a member from reading. One word for all of it: whoever is told asks only whether anything does. */

/** Its share of the group, the group's answers to its heartbeats, the answers of partitions' leaders. */
type Obstacle = 'share' | 'heartbeat' | 'fetching';

export class Interruption {
  readonly #tell: (why: string | undefined) => void;
  readonly #obstacles = new Map<Obstacle, string>();
  #told: string | undefined;

  /** @param tell called when the answer changes; undefined: nothing does */
  constructor(tell: (why: string | undefined) => void) {
    this.#tell = tell;
  }

  begin(obstacle: Obstacle, why: string): void {
    this.#obstacles.set(obstacle, why);
    this.#tellChange();
  }

  end(obstacle: Obstacle): void {
    this.#obstacles.delete(obstacle);
    this.#tellChange();
  }

  /** There is a share, and brokers have said where its partitions begin. */
  endAll(): void {
    this.#obstacles.clear();
    this.#tellChange();
  }

  #tellChange(): void {
    const [why] = this.#obstacles.values();
    if (why === this.#told) return;
    this.#told = why;
    this.#tell(why);
  }
}
