/**
 * Replays a file into a collector, or onto Kafka: whole samples of a source whose name comes from the file's
 * hash, so that a second run, or one that goes on after a kill, changes nothing that is there already.
 */
import { type BackoffLimits, fullJitterMs } from '../../runtime/backoff.ts';
import { WindrowError } from '../../runtime/errors.ts';
import { pause } from '../../runtime/lifecycle.ts';
import { plural } from '../../runtime/plural.ts';
import { readSeedACsv } from '../../wire/compat/seed-a-csv.ts';
import { METRICS } from '../../wire/metrics.ts';
import { type RawRecord, SAMPLES_TOPIC } from '../../wire/records/record.ts';
import type { BatchSender } from '../../wire/transport/port.ts';
import { WIRE_VERSION } from '../../wire/version.ts';
import { type DatedFile, datedFor, type ReplayFile } from './file.ts';
import { type Pace, Pacer } from './pace.ts';
import type { ReplayTarget } from './target.ts';

const batchRecordsMax = 500;
/** A row that is due does not wait longer than this for company. */
const gatherMsMax = 200;
const backoff: BackoffLimits = { baseMs: 250, capMs: 5_000 };
/** Who takes nothing for this long is given up. */
const giveUpMs = 60_000;
const closedPollMs = 100;
/** Malformed rows that are told one by one. */
const toldMax = 10;

export interface ReplayOptions {
  readonly pace: Pace;
  /** Return only when the collector has closed the source; only where the target can be asked. */
  readonly wait: boolean;
  readonly signal: AbortSignal;
  readonly tell: (line: string) => void;
  /** The target has answered: what is about to be sent. */
  readonly onStart: (file: DatedFile) => void;
}

export interface Replayed {
  readonly sourceId: string;
  readonly rows: number;
  readonly malformed: number;
  readonly stored: number;
  readonly duplicates: number;
}

export async function replay(
  target: ReplayTarget,
  file: ReplayFile,
  options: ReplayOptions,
): Promise<Replayed> {
  const { signal } = options;
  const dated = await datedFor(target, file, signal);
  const { scan, firstDayMs, sourceId } = dated;
  options.onStart(dated);
  const batches = new BatchSending(target.sender, signal);
  const pacer = new Pacer(options.pace);
  const nextSeq = new Map<string, number>();
  const startedMs = performance.now();
  let malformed = 0;
  for await (const row of readSeedACsv(file.path, { firstDayMs, signal })) {
    if ('malformed' in row) {
      malformed += 1;
      if (malformed <= toldMax) options.tell(`line ${row.line} is left out: ${row.malformed}`);
      continue;
    }
    const waitMs = startedMs + pacer.dueMs(row.tsMs) - performance.now();
    if (waitMs > 0) {
      if (waitMs > gatherMsMax) await batches.flush();
      await pause(waitMs, signal);
    }
    const seq = nextSeq.get(row.serverId) ?? 0;
    nextSeq.set(row.serverId, seq + 1);
    await batches.add(sampleOf(dated, { ...row, seq }));
  }
  await batches.add(endOf(dated));
  await batches.flush();
  if (options.wait) await untilClosed(target, sourceId, signal);
  const { stored, duplicates } = batches;
  return { sourceId, rows: scan.rows, malformed, stored, duplicates };
}

interface NumberedRow {
  readonly tsMs: number;
  readonly serverId: string;
  readonly seq: number;
  readonly values: readonly number[];
}

function sampleOf({ sourceId, scan }: DatedFile, row: NumberedRow): RawRecord {
  const metrics: Record<string, number> = {};
  METRICS.forEach((metric, i) => {
    const value = row.values[i];
    if (value !== undefined && !Number.isNaN(value)) metrics[metric] = value;
  });
  const value = {
    v: WIRE_VERSION,
    server_id: row.serverId,
    ts: row.tsMs,
    boot_id: sourceId,
    seq: row.seq,
    origin_ms: scan.originMs,
    ...metrics,
  };
  return { topic: SAMPLES_TOPIC, value };
}

function endOf({ sourceId, scan }: DatedFile): RawRecord {
  const value = { v: WIRE_VERSION, kind: 'end', boot_id: sourceId, origin_ms: scan.originMs };
  return { topic: SAMPLES_TOPIC, value };
}

/** Gathers records and sends each batch until it is acknowledged. */
class BatchSending {
  readonly #sender: BatchSender;
  readonly #signal: AbortSignal;
  #records: RawRecord[] = [];
  #firstAddedMs = 0;
  stored = 0;
  duplicates = 0;

  constructor(sender: BatchSender, signal: AbortSignal) {
    this.#sender = sender;
    this.#signal = signal;
  }

  async add(record: RawRecord): Promise<void> {
    if (this.#records.length === 0) this.#firstAddedMs = performance.now();
    this.#records.push(record);
    const full = this.#records.length >= batchRecordsMax;
    if (full || performance.now() - this.#firstAddedMs > gatherMsMax) await this.flush();
  }

  async flush(): Promise<void> {
    if (this.#records.length === 0) return;
    const records = this.#records;
    this.#records = [];
    const startedMs = performance.now();
    for (let attempt = 0; ; attempt += 1) {
      try {
        const header = { v: WIRE_VERSION, sent_at: Date.now() } as const;
        const ack = await this.#sender.send({ header, records }, this.#signal);
        this.stored += ack.stored;
        this.duplicates += ack.duplicates;
        const refused = ack.refused?.length ?? 0;
        if (refused === 0) return;
        const what = plural(refused, 'record is larger than its', 'records are larger than their');
        throw new WindrowError('refused', `${what} topic takes`, {
          hint: 'Raise max.message.bytes of the topic.',
        });
      } catch (error) {
        if (!mayRetry(error) || performance.now() - startedMs > giveUpMs) throw error;
        await pause(fullJitterMs(attempt, backoff, Math.random), this.#signal);
      }
    }
  }
}

/** Somebody sits before a replay: what only an operator can mend ends it at once. */
function mayRetry(error: unknown): boolean {
  const mendable: readonly string[] = ['unauthorized', 'refused'];
  return error instanceof WindrowError && error.retryable && !mendable.includes(error.code);
}

async function untilClosed(
  { stateOf }: ReplayTarget,
  sourceId: string,
  signal: AbortSignal,
): Promise<void> {
  for (;;) {
    const state = await stateOf?.(sourceId, signal);
    if (state?.closed === true) return;
    await pause(closedPollMs, signal);
    if (signal.aborted) throw new WindrowError('aborted', 'the replay was stopped');
  }
}
