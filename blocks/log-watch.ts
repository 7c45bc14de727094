/** Hears in a log what receivers say of blocks and of themselves. */
import type { Clock } from '../runtime/clock.ts';
import { messageOf, WindrowError } from '../runtime/errors.ts';
import { pause } from '../runtime/lifecycle.ts';
import type { Logger } from '../runtime/logging.ts';
import { BLOCK_ACKS_TOPIC, decodeBlockAck } from '../wire/records/block-ack.ts';
import {
  decodeProcessingStatus,
  PROCESSING_STATUS_TOPIC,
} from '../wire/records/processing-status.ts';
import type { Log, LogRecord, PartitionOffset } from '../wire/transport/log/port.ts';
import type { TransferMonitor } from './monitor.ts';

/** How often it looks whether anybody has sent files by now. */
const lookEveryMs = 10_000;

export interface WatchOptions {
  readonly source: Pick<Log, 'reader'>;
  readonly monitor: TransferMonitor;
  readonly clock: Clock;
}

/**
 * Until the signal aborts. Of what was said before only the blocks count.
 * @throws WindrowError when the topics cannot be reached at the beginning
 */
export async function watchBlocks(options: WatchOptions, signal: AbortSignal): Promise<void> {
  const { source, monitor, clock } = options;
  const acks = source.reader(BLOCK_ACKS_TOPIC);
  const statuses = source.reader(PROCESSING_STATUS_TOPIC);
  const isBefore = before(await acks.end(signal));
  const takeAck = (record: LogRecord): void => {
    const decoded = decodeBlockAck(record.value);
    if (decoded.kind !== 'ack') return;
    const nowMs = clock.wallMs();
    if (!isBefore(record)) monitor.acknowledged(decoded.ack, nowMs);
    else monitor.acknowledgedBefore(decoded.ack, Math.min(nowMs, decoded.ack.timestamp * 1_000));
  };
  const takeStatus = ({ value }: LogRecord): void => {
    const decoded = decodeProcessingStatus(value);
    if (decoded.kind === 'status') monitor.status(decoded.status, clock.wallMs());
  };
  await Promise.all([
    acks.follow([], each(takeAck), signal),
    statuses.follow(await statuses.end(signal), each(takeStatus), signal),
  ]);
}

/** As soon as the topics are there: where nobody sends files through the log they never are. Never rejects. */
export async function watchWhenThere(
  options: WatchOptions & { readonly source: Pick<Log, 'reader' | 'admin'>; readonly log: Logger },
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    try {
      if (await areThere(options.source, signal)) return await watchBlocks(options, signal);
    } catch (error) {
      // Who reads samples tells that brokers are away.
      if (!(error instanceof WindrowError)) throw error;
      if (!signal.aborted) options.log.debug({ error: messageOf(error) }, 'no transfers are heard');
    }
    await pause(lookEveryMs, signal);
  }
}

async function areThere(source: Pick<Log, 'admin'>, signal: AbortSignal): Promise<boolean> {
  const admin = source.admin();
  try {
    const topics = [BLOCK_ACKS_TOPIC, PROCESSING_STATUS_TOPIC];
    return (await admin.partitions(topics, signal)).size === topics.length;
  } finally {
    await admin.close();
  }
}

function before(ends: readonly PartitionOffset[]): (record: LogRecord) => boolean {
  const offsets = new Map(ends.map(({ partition, offset }) => [partition, offset]));
  return ({ partition, offset }) => offset < (offsets.get(partition) ?? 0);
}

function each(take: (record: LogRecord) => void) {
  return {
    async take(records: readonly LogRecord[]) {
      for (const record of records) take(record);
    },
    caughtUp() {},
  };
}
