/** An outbox without a file, for tests that need thousands of them: simple, unbounded, and as the port says. */
import { liveRecordsMax } from '../durable.ts';
import { leaseRecordsMax } from '../lease-size.ts';
import type { Lease, NewRecord, Outbox } from '../port.ts';

export function createMemoryOutbox(bootId: string): Outbox {
  /** Oldest first; those on their way are in `taken` as well. */
  let waiting: NewRecord[] = [];
  let live: NewRecord[] = [];
  let dropped = 0;
  const taken = new Map<Lease, boolean>();
  const take = (records: readonly NewRecord[], isLive: boolean): Lease | undefined => {
    if (records.length === 0) return undefined;
    const lease = { bootId, records };
    taken.set(lease, isLive);
    return lease;
  };
  const forget = (lease: Lease): void => {
    taken.delete(lease);
    const gone = new Set(lease.records);
    // Mostly they are the oldest, and moving all the others would be most of a long test.
    if (lease.records.every((record, index) => waiting[index] === record)) {
      waiting.splice(0, gone.size);
    } else waiting = waiting.filter((record) => !gone.has(record));
  };
  return {
    add(record) {
      waiting.push(record);
      live = [...live, record].slice(-liveRecordsMax);
    },
    takeLive() {
      const records = live;
      live = [];
      return take(records, true);
    },
    takeBacklog() {
      const elsewhere = new Set([...live, ...[...taken.keys()].flatMap(({ records }) => records)]);
      const first = waiting.slice(0, leaseRecordsMax + elsewhere.size);
      const records = first.filter((record) => !elsewhere.has(record));
      return take(records.slice(0, leaseRecordsMax), false);
    },
    factsOf(lease) {
      const own = new Set(lease.records);
      const others = waiting.filter((record) => !own.has(record) && record.seq !== null);
      return {
        oldestOutstandingSeq: waiting.find(({ seq }) => seq !== null)?.seq ?? undefined,
        pendingFromMs:
          others.length === 0 ? undefined : Math.min(...others.map(({ atMs }) => atMs)),
        dropped,
        waiting: waiting.length - own.size,
      };
    },
    acknowledge: forget,
    discard(lease, refused = lease.records) {
      dropped += refused.filter(({ seq }) => seq !== null).length;
      forget(lease);
    },
    giveBack(lease) {
      if (taken.get(lease) === true) live = [...lease.records, ...live].slice(-liveRecordsMax);
      taken.delete(lease);
    },
    get size() {
      return waiting.length;
    },
    get dropped() {
      return dropped;
    },
    async close() {},
  };
}
