/** Files that agents send in blocks: taken in, looked after, and shown. */
import { hostname } from 'node:os';
import { join } from 'node:path';
import { TransferMonitor } from '../blocks/monitor.ts';
import { receivingEngine } from '../blocks/receiving/part-file.ts';
import { BlockReceiver } from '../blocks/receiving/receiver.ts';
import type { StoredTransfer } from '../blocks/receiving/received-index.ts';
import { Sweep } from '../blocks/receiving/sweep.ts';
import { blockSpan } from '../wire/records/block-shape.ts';
import { watchWhenThere } from '../blocks/log-watch.ts';
import type { Clock } from '../runtime/clock.ts';
import { messageOf } from '../runtime/errors.ts';
import type { Logger } from '../runtime/logging.ts';
import { openKafkaLog } from '../wire/transport/kafka/log.ts';
import type { BlockFigures } from './api/block-metrics.ts';
import type { Hub } from './api/hub.ts';
import { clientId, type CollectorConfig } from './config.ts';

/** Between looks at what was given up, and at what somebody took away. */
const lookEveryMs = 5_000;
/** Transfers of before that are shown after a start. */
const restoredMax = 200;
/** Transfers, and machines, that one event tells; of many small files the others come with the next. */
const changesMax = 100;

export interface ReceivingBase {
  readonly clock: Clock;
  readonly log: Logger;
}

export class Receiving {
  readonly monitor = new TransferMonitor({ machineId: hostname(), engine: receivingEngine });
  readonly receiver: BlockReceiver;
  readonly #options: ReceivingBase;
  readonly #quotaBytes: number;
  readonly #sweep: Sweep;
  readonly #timer: NodeJS.Timeout;
  readonly #stopped = new AbortController();
  /** Files that go through Kafka to other receivers. */
  #watching: Promise<void> | undefined;

  /** @throws WindrowError when the folder cannot be used */
  constructor(config: CollectorConfig, base: ReceivingBase) {
    const { clock } = base;
    const { monitor } = this;
    this.#options = base;
    this.#quotaBytes = config['blocks.quota'];
    this.receiver = new BlockReceiver({
      ...base,
      folder: config['blocks.folder'] ?? join(config.data, 'received'),
      folderSetting: 'blocks.folder',
      machineId: hostname(),
      quotaBytes: this.#quotaBytes,
      observer: {
        arrived: (chunk, bytes) => monitor.arrived(chunk, bytes, clock.wallMs()),
        acknowledged: (ack) => monitor.acknowledged(ack, clock.wallMs()),
      },
    });
    const { index } = this.receiver;
    // The oldest first, as they were heard.
    for (const transfer of index.newest(restoredMax).reverse()) this.#restore(transfer);
    this.#sweep = new Sweep(this.receiver);
    this.#timer = setInterval(() => void this.#look(), lookEveryMs);
    if (config.transport === 'kafka') {
      const source = openKafkaLog(config, clientId, base.log);
      this.#watching = watchWhenThere({ ...base, source, monitor }, this.#stopped.signal);
    }
  }

  figures(): BlockFigures {
    const { counts, openBlocks, index, done, senders } = this.receiver;
    return {
      ...counts,
      open: openBlocks,
      usedBytes: index.usedBytes,
      quotaBytes: this.#quotaBytes,
      done,
      engine: receivingEngine,
      senders,
    };
  }

  /** Once a second: what changed goes to the open pages. */
  tell(hub: Pick<Hub, 'transfers'>): void {
    const changes = this.monitor.changes(this.#options.clock.wallMs(), changesMax);
    if (changes !== undefined) hub.transfers(changes);
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    this.#stopped.abort();
    await Promise.all([this.receiver.close(), this.#watching]);
  }

  async #look(): Promise<void> {
    try {
      await this.receiver.expire();
      await this.#sweep.step();
    } catch (error) {
      this.#options.log.warn({ error: messageOf(error) }, 'received files cannot be looked after');
    }
  }

  #restore(transfer: StoredTransfer): void {
    const file = { sizeBytes: transfer.size_bytes, blockBytes: transfer.block_bytes };
    this.monitor.restore({
      id: transfer.id,
      fileName: transfer.file_name,
      sender: transfer.sender,
      sizeBytes: transfer.size_bytes,
      totalBlocks: transfer.total_blocks,
      heardMs: transfer.heard_ms,
      blocks: this.receiver.index.blockNumbers(transfer).map((number) => {
        const { start, end } = blockSpan(file, number);
        return { number, sizeBytes: end - start };
      }),
    });
  }
}
