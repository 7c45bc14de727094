/** Those who wait for one commit; whoever comes after `take` waits for the next. */
export class CommitWaiters {
  #waiters: PromiseWithResolvers<void>[] = [];

  wait(): Promise<void> {
    const waiter = Promise.withResolvers<void>();
    this.#waiters.push(waiter);
    return waiter.promise;
  }

  take(): CommitWaiters {
    const taken = new CommitWaiters();
    taken.#waiters = this.#waiters;
    this.#waiters = [];
    return taken;
  }

  resolve(): void {
    for (const { resolve } of this.take().#waiters) resolve();
  }

  reject(error: unknown): void {
    for (const { reject } of this.take().#waiters) reject(error);
  }
}
