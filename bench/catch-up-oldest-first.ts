/**
 * The peer of `bench catch-up`: ships a queue as most agents do, oldest first, a batch as soon as the
 * last one is acknowledged, what is measured meanwhile at the end.
 *
 *   node bench/catch-up-oldest-first.ts URL DATA
 */
import { setTimeout as pause } from 'node:timers/promises';
import { leaseRecordsMax } from '../agent/outbox/lease-size.ts';
import { outboxPath } from '../agent/outbox/place.ts';
import { everyTick } from '../agent/ticker.ts';
import { systemClock } from '../runtime/clock.ts';
import { createLogger } from '../runtime/logging.ts';
import { openQueueFile, type QueueFile } from '../runtime/queue/file.ts';
import type { BatchHeader } from '../wire/records/batch.ts';
import { DirectClient } from '../wire/transport/direct/client.ts';
import { WIRE_VERSION } from '../wire/version.ts';
import { intervalMs, lineOf, outboxBytesMax, SERVER_ID, shapeOfSamples } from './catch-up-day.ts';

const bootId = 'bench-live';
const idleMs = 50;
const retryMs = 1_000;
const never = new AbortController().signal;

const [url = '', dataDir = ''] = process.argv.slice(2);
const file = openQueueFile({
  path: outboxPath(dataDir),
  bytesMax: outboxBytesMax,
  clock: systemClock,
  log: await createLogger('bench', 'warn'),
});
await Promise.all([measure(file), ship(file)]);

async function measure(queue: QueueFile): Promise<void> {
  const shape = await shapeOfSamples();
  let seq = 0;
  await everyTick(intervalMs, never, () => {
    const atMs = Date.now();
    const body = lineOf(shape, { bootId, seq, ts: atMs });
    queue.add([{ lane: bootId, no: seq, atMs, body }], { keep: [], mayDropWhenLow: true });
    seq += 1;
  });
}

async function ship(queue: QueueFile): Promise<void> {
  const client = new DirectClient({ url });
  for (;;) {
    const oldest = queue.oldest(leaseRecordsMax);
    const items = oldest.filter(({ lane }) => lane === oldest[0]?.lane);
    const [first] = items;
    if (first === undefined) {
      await pause(idleMs);
      continue;
    }
    const header: BatchHeader = {
      v: WIRE_VERSION,
      server_id: SERVER_ID,
      boot_id: first.lane,
      sent_at: Date.now(),
      waiting: queue.size - items.length,
    };
    try {
      await client.send({ header, records: items.map(({ body }) => ({ line: body })) }, never);
      queue.delivered(items.map(({ id }) => id));
    } catch {
      await pause(retryMs);
    }
  }
}
