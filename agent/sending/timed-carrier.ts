/** How fast a carrier is: what it took, and for how long any chunk was on its way. */
import type { Clock } from '../../runtime/clock.ts';
import type { BlockCarrier, OutgoingChunk, Taken } from '../../wire/transport/block-port.ts';

export class TimedCarrier implements BlockCarrier {
  readonly target: string;
  readonly acks?: NonNullable<BlockCarrier['acks']>;
  readonly #carrier: BlockCarrier;
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  #takenBytes = 0;
  #onTheirWay = 0;
  /** Since when, while there are any. */
  #sinceMs = 0;
  #busyMs = 0;

  constructor(carrier: BlockCarrier, clock: Pick<Clock, 'monotonicMs'>) {
    this.target = carrier.target;
    if (carrier.acks !== undefined) this.acks = carrier.acks;
    this.#carrier = carrier;
    this.#clock = clock;
  }

  /** Payloads that were taken. */
  get takenBytes(): number {
    return this.#takenBytes;
  }

  /** In which at least one chunk was on its way; of several at once the time counts once. */
  get busyMs(): number {
    const now = this.#onTheirWay === 0 ? 0 : this.#clock.monotonicMs() - this.#sinceMs;
    return this.#busyMs + now;
  }

  async send(chunk: OutgoingChunk, signal: AbortSignal): Promise<Taken> {
    if (this.#onTheirWay === 0) this.#sinceMs = this.#clock.monotonicMs();
    this.#onTheirWay += 1;
    const bytes = chunk.payload.length;
    try {
      const taken = await this.#carrier.send(chunk, signal);
      this.#takenBytes += bytes;
      return taken;
    } finally {
      if (this.#onTheirWay === 1) this.#busyMs = this.busyMs;
      this.#onTheirWay -= 1;
    }
  }

  close(): Promise<void> {
    return this.#carrier.close();
  }
}
