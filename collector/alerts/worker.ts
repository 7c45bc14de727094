/** Keeps one notifier's delivery going: steps when it is woken or something is due, until it is stopped. */
import { messageOf } from '../../runtime/errors.ts';
import { pause } from '../../runtime/lifecycle.ts';
import type { Logger } from '../../runtime/logging.ts';
import type { Delivery } from './delivery.ts';

/** What is on its way at a stop gets this long to arrive: then it need not be repeated. */
const farewellMsMax = 3_000;
/** After the store could not be written. */
const storeRetryMs = 1_000;

export class Worker {
  readonly #delivery: Delivery;
  readonly #log: Logger;
  readonly #aborting = new AbortController();
  readonly #ended: Promise<void>;
  #woken = new AbortController();
  #stopping = false;
  #failure: string | undefined;

  constructor(delivery: Delivery, log: Logger) {
    this.#delivery = delivery;
    this.#log = log;
    this.#ended = this.#run();
  }

  wake(): void {
    this.#woken.abort();
  }

  /** What is on its way may arrive, but is not waited for without end. */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.wake();
    const timer = setTimeout(() => this.#aborting.abort(), farewellMsMax);
    await this.#ended;
    clearTimeout(timer);
  }

  async #run(): Promise<void> {
    while (!this.#stopping) {
      // Before the step: what comes while it runs must not be slept over.
      this.#woken = new AbortController();
      const waitMs = await this.#step();
      await pause(waitMs, this.#woken.signal);
    }
  }

  async #step(): Promise<number> {
    try {
      const waitMs = await this.#delivery.step(this.#aborting.signal);
      this.#failure = undefined;
      return waitMs;
    } catch (error) {
      // A full disk or a locked file passes; it is told once.
      const message = messageOf(error);
      if (this.#failure !== message) {
        this.#log.error({ error: message }, 'notifications wait: the store cannot be written');
      }
      this.#failure = message;
      return storeRetryMs;
    }
  }
}
