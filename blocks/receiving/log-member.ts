/** A receiver of blocks as a member of a group: reads, commits, tells how it does, and leaves. */
import type { Clock } from '../../runtime/clock.ts';
import { messageOf } from '../../runtime/errors.ts';
import { aborted, pause, withinMs } from '../../runtime/lifecycle.ts';
import type { Logger } from '../../runtime/logging.ts';
import { statusPartitionsMax } from '../../wire/limits.ts';
import { DATA_BLOCKS_TOPIC } from '../../wire/records/block-chunk.ts';
import {
  PROCESSING_STATUS_TOPIC,
  type ProcessingStatus,
} from '../../wire/records/processing-status.ts';
import { commitNowAndThen, toldIn } from '../../wire/transport/log/committing.ts';
import type { GroupConsumer, Log, LogProducer } from '../../wire/transport/log/port.ts';
import { LogBlocks } from './log-blocks.ts';
import type { BlockReceiver } from './receiver.ts';
import { Sweep } from './sweep.ts';

/** What a killed receiver makes the next one read again. */
const commitEveryMs = 1_000;
/** Between statuses, and looks at what was given up and what somebody took away. */
const lookEveryMs = 5_000;
/** At the end: what is being stored and acknowledged. */
const lastBlocksMsMax = 3_000;
/** At the end: what was begun, the last offsets, and the last status. */
const farewellMsMax = 1_500;
/** Leaving the group, and closing its connections. */
export const leavingMsMax = 4_000;
const { signal: never } = new AbortController();

export interface LogMemberOptions {
  readonly source: Pick<Log, 'consumer'>;
  readonly producer: LogProducer;
  readonly receiver: BlockReceiver;
  readonly group: string;
  readonly machineId: string;
  /** At the end: ends what still holds blocks. The group is left when nothing is being done with any. */
  readonly giveUp?: () => Promise<void>;
  readonly clock: Clock;
  readonly log: Logger;
}

export class LogMember {
  readonly #options: LogMemberOptions;
  readonly #blocks: LogBlocks;
  readonly #sweep: Sweep;
  readonly #consumer: GroupConsumer;
  /** Resolves when the newest commit has come to its end, whichever. */
  #committing: Promise<unknown> = Promise.resolve();

  constructor(options: LogMemberOptions) {
    const { source, producer, receiver, group, machineId, clock, log } = options;
    this.#options = options;
    const here = () => ({ machineId, nowMs: clock.wallMs() });
    this.#blocks = new LogBlocks({ receiver, producer, here, log });
    this.#sweep = new Sweep(receiver);
    this.#consumer = source.consumer({ group, member: machineId, topics: [DATA_BLOCKS_TOPIC] });
  }

  /** Records that are no chunks. */
  get malformed(): number {
    return this.#blocks.malformed;
  }

  /** Until the signal aborts; then in bounded time. May be called once. @throws WindrowError when the group can never be joined */
  async run(stop: AbortSignal): Promise<void> {
    const left = new AbortController();
    const ended = new AbortController();
    const running = this.#consumer.run(this.#blocks, left.signal).finally(() => ended.abort());
    running.catch(() => {});
    const working = AbortSignal.any([stop, ended.signal]);
    const begun = Promise.all([this.#commitNowAndThen(working), this.#lookNowAndThen(working)]);
    await aborted(working);
    const isMember = !ended.signal.aborted;
    await Promise.all([
      // A commit or a status may wait for brokers that are away.
      this.#farewell('what was begun', () => Promise.all([begun, this.#committing])),
      isMember && this.#farewell('the last blocks', () => this.#blocks.stop(), lastBlocksMsMax),
    ]);
    await this.#farewell('what is given up', async () => this.#options.giveUp?.());
    if (isMember) await this.#farewell('the last offsets', () => this.#commit());
    left.abort();
    await withinMs('leaving the group', leavingMsMax, () => running);
    await this.#farewell('the last status', () => this.#tellStatus());
  }

  /** What cannot be done in time, the next receiver does again. */
  async #farewell(
    what: string,
    work: () => Promise<unknown>,
    msMax = farewellMsMax,
  ): Promise<void> {
    await withinMs(what, msMax, work).catch((error: unknown) =>
      this.#options.log.warn({ error: messageOf(error) }, 'some blocks may be received again'),
    );
  }

  /** What fails, the next one makes good: until then the group's last offsets hold. */
  #commitNowAndThen(until: AbortSignal): Promise<void> {
    const { clock, log } = this.#options;
    const commit = (): Promise<boolean> => this.#commit();
    return commitNowAndThen({ clock, everyMs: commitEveryMs, commit, ...toldIn(log) }, until);
  }

  /** @returns whether there was anything to commit */
  #commit(): Promise<boolean> {
    const commit = this.#blocks.commit((offsets) => this.#consumer.commit(offsets, never));
    this.#committing = commit.catch(() => {});
    return commit;
  }

  async #lookNowAndThen(until: AbortSignal): Promise<void> {
    while (!until.aborted) {
      await pause(lookEveryMs, until);
      if (!until.aborted) await this.#look();
    }
  }

  async #look(): Promise<void> {
    const { receiver, log } = this.#options;
    try {
      await receiver.expire();
      await this.#sweep.step();
    } catch (error) {
      log.warn({ error: messageOf(error) }, 'received files cannot be looked after');
    }
    // Whoever watches sees that nothing is heard; the brokers' trouble is told by who reads.
    await this.#tellStatus().catch(() => {});
  }

  async #tellStatus(): Promise<void> {
    const { producer, receiver, machineId, group } = this.#options;
    const { blocks, bytes, failures } = receiver.counts;
    const status: ProcessingStatus = {
      machine_id: machineId,
      group_id: group,
      blocks_processed: blocks,
      total_bytes: bytes,
      failed_blocks: failures,
      assigned_partitions: this.#blocks.partitions.slice(0, statusPartitionsMax),
    };
    const value = JSON.stringify(status);
    await producer.send([{ topic: PROCESSING_STATUS_TOPIC, key: machineId, value }], never);
  }
}
