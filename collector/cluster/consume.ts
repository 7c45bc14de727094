/**
 * Takes in from a log: the share of a group's slots that falls to this collector.
 *
 * Invariant: an offset is committed only when every record before it is in this store or needed by
 * no window that is not final, and every window made of what lies before it is published.
 *
 * A record goes into memory at once and to disk with the next commit of the store, together with how
 * far its partition was taken. So after a kill what lies behind that is new, what lies before it
 * only fills the open windows again, and the log is read from where the oldest of these begins.
 */
import type { Clock } from '../../runtime/clock.ts';
import { messageOf, WindrowError } from '../../runtime/errors.ts';
import { aborted, pause, withinMs } from '../../runtime/lifecycle.ts';
import type { Logger } from '../../runtime/logging.ts';
import { Telling } from '../../runtime/telling.ts';
import type { DecodedBatch } from '../../wire/records/batch.ts';
import { SAMPLES_TOPIC } from '../../wire/records/record.ts';
import { batchesOf } from '../../wire/transport/log/batches.ts';
import { commitNowAndThen, toldIn } from '../../wire/transport/log/committing.ts';
import type {
  GroupConsumer,
  GroupOptions,
  Log,
  LogRecord,
  PartitionOffset,
  SlotHandler,
  SlotStart,
  TopicSpec,
  Uneven,
  UnreadableRecords,
} from '../../wire/transport/log/port.ts';
import { MemberReplaced } from '../../wire/transport/log/replaced.ts';
import type { Ingest } from '../ingest/ingest.ts';
import type { StoreWriter } from '../store/writer.ts';
import type { SharedAlerts } from './alerts/shared.ts';
import { CommittedOffsets } from './committed-offsets.ts';
import type { HeldOffsets } from './held-offsets.ts';
import { isNameTaken, nameTakenHint } from './name-taken.ts';
import { keyOf, type Positions, type Run } from './positions.ts';
import type { Results } from './results/port.ts';
import { gaveUp, Storing } from './storing.ts';
import { TimeOrder } from './time-order.ts';
import { describeUneven } from './together.ts';

/** Offsets are committed this often: what a kill makes the next one read again on top. */
const commitEveryMs = 1_000;
/** When the group cannot be joined it is tried again after this. */
const retryMs = 5_000;
/** At the end what was taken gets this long to be stored, published and committed. */
export const farewellMsMax = 1_500;
/** Leaving the group takes 2,000 ms at most, closing its connections then 1,000. */
export const leavingMsMax = 3_300;

export interface ConsumptionOptions {
  readonly source: Pick<Log, 'consumer' | 'admin'>;
  readonly group: GroupOptions;
  /** Where the member's name is from. */
  readonly memberFile: string;
  /** Made when they are missing. */
  readonly topics: readonly TopicSpec[];
  /** They are there. */
  readonly onTopics: () => void;
  readonly ingest: Ingest;
  readonly writer: StoreWriter;
  readonly results: Pick<Results, 'room' | 'published' | 'caughtUp' | 'release'> & {
    /** Why not all that is waited for by `caughtUp` can be read; undefined while all is well. */
    readonly unread: string | undefined;
  };
  readonly alerts: Pick<SharedAlerts, 'release' | 'takeOver' | 'parted'>;
  readonly holds: HeldOffsets;
  readonly positions: Positions;
  readonly clock: Clock;
  readonly log: Logger;
}

export class Consumption implements SlotHandler {
  readonly #options: ConsumptionOptions;
  readonly #ended = new AbortController();
  /** Until the share is to be another's, or all ends. */
  #session = new AbortController();
  readonly #storing: Storing;
  readonly #committed: CommittedOffsets;
  readonly #telling: Telling;
  #consumer: GroupConsumer | undefined;
  #isStopping = false;
  /** One for each assignment: what was gathered under another one is not committed. */
  #assignment = 0;
  readonly #order: TimeOrder;
  /** How often our slots may have become another's. */
  #partings = 0;
  /** Our slots are known, and nobody else has them. */
  #isReading = false;
  #isTaking = false;
  /** Those who wait until all that other collectors told has been read. */
  #waiting = 0;
  /** What was last told of topics that are kept apart. */
  #uneven: ReadonlySet<string> = new Set();
  #failure: string | undefined = 'the group has not been joined yet';
  /** Why nothing of our share can be read. */
  #interruption: string | undefined;
  #running: Promise<unknown> = Promise.resolve();
  #committing: Promise<unknown> = Promise.resolve();

  constructor(options: ConsumptionOptions) {
    this.#options = options;
    this.#telling = new Telling(options.clock);
    this.#committed = new CommittedOffsets(options.clock);
    this.#storing = new Storing(options.writer, options.clock);
    this.#order = new TimeOrder(options.group.whole ?? []);
  }

  /** Why nothing is taken in; undefined while we can read the share that the group gave us, be it none. */
  get failure(): string | undefined {
    const unread = this.#waiting > 0 ? this.#options.results.unread : undefined;
    return unread ?? this.#failure ?? this.#interruption;
  }

  /** Whether nobody else can have our slots at this moment. */
  get ownsShare(): boolean {
    return this.#consumer?.ownsShare === true;
  }

  /** Nothing is taken in any more: our share is to be another's. */
  get #isEnding(): boolean {
    return this.#isStopping || this.#session.signal.aborted;
  }

  /** For how long offsets that may be committed are not; 0 when all are. */
  get uncommittedMs(): number {
    return this.#committed.uncommittedMs;
  }

  start(): void {
    const { signal } = this.#ended;
    this.#running = Promise.all([this.#consume(signal), this.#commitNowAndThen(signal)]);
  }

  /** In bounded time: what was taken is stored, published and committed, then the group is left. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    const { log } = this.#options;
    const signal = this.#ended.signal;
    await withinMs('last offsets', farewellMsMax, () => this.#commit(signal)).catch(
      (error: unknown) => log.warn({ error: messageOf(error) }, 'some records will be read again'),
    );
    this.#ended.abort();
    this.#session.abort();
    await withinMs('leaving the group', leavingMsMax, () => this.#running);
  }

  async assigned(
    slots: ReadonlySet<number>,
    startsAt: readonly SlotStart[],
    uneven: readonly Uneven[],
  ): Promise<void> {
    const { positions, holds, alerts, clock, log } = this.#options;
    if (this.#isEnding) return;
    const partings = this.#partings;
    this.#isReading = false;
    this.#forget(positions.assign(slots, startsAt));
    this.#order.begin(startsAt, clock.monotonicMs());
    for (const start of startsAt) holds.read(start);
    this.#tellUneven(uneven);
    // How far windows are closed must be known before the first sample of a server comes.
    if (startsAt.length > 0) await this.#caughtUp(this.#session.signal);
    // It is looked up in the store.
    await this.#storing.stored(this.#session.signal);
    // While that was waited for the group may have given them to another, who judges.
    if (partings !== this.#partings) return;
    alerts.takeOver(slots);
    this.#isReading = true;
    this.#failure = undefined;
    if (this.#telling.over()) log.info('records are taken in again');
    const share = { partitions: [...slots], behind: positions.behindRecords };
    log.info(share, slots.size > 0 ? 'reads these partitions of the log' : 'no partition is left');
  }

  parted(): void {
    this.#partings += 1;
    this.#isReading = false;
    this.#options.alerts.parted();
  }

  async take(records: readonly LogRecord[], waitedMsMax: number): Promise<void> {
    this.#isTaking = true;
    await this.#take(records, waitedMsMax).finally(() => (this.#isTaking = false));
  }

  /** Once a second: what waited for a partition that gives nothing waits no longer, and others get what we cannot store. */
  tick(): void {
    if (this.#storing.isGivenUp) this.#session.abort();
    if (!this.#isReading || this.#isTaking || this.#isEnding || this.#storing.isFull) return;
    const { clock } = this.#options;
    // At once and whole: what is read next comes behind it.
    for (const run of this.#runsOf([], { waitedMsMax: 0, nowMs: clock.monotonicMs() })) {
      this.#takeRun(run);
    }
    this.reached([]);
  }

  async #take(records: readonly LogRecord[], waitedMsMax: number): Promise<void> {
    const { clock } = this.#options;
    const fromMs = clock.monotonicMs();
    // While there is none they wait on.
    await this.#room();
    const waitedMs = waitedMsMax + clock.monotonicMs() - fromMs;
    const how = { waitedMsMax: waitedMs, nowMs: clock.monotonicMs() };
    for (const run of this.#runsOf(records, how)) {
      await this.#room();
      if (this.#isEnding) return aborted(this.#session.signal);
      this.#takeRun(run);
    }
  }

  #runsOf(records: readonly LogRecord[], how: Parameters<TimeOrder['arrange']>[1]): Run[] {
    const { positions } = this.#options;
    const arranged = this.#order.arrange(records, how);
    return arranged.flatMap((due) => positions.runsOf(due.records, due.waitedMsMax));
  }

  ends(places: readonly PartitionOffset[], agoMs: number): void {
    const { positions, clock } = this.#options;
    this.#order.ends(places);
    positions.ends(places, clock.monotonicMs() - agoMs);
  }

  reached(places: readonly PartitionOffset[]): void {
    const { positions, holds, writer } = this.#options;
    for (const place of this.#order.reached(places)) {
      const storedThrough = positions.storedThrough(place);
      if (this.#isEnding || !positions.taken(place)) continue;
      holds.read(place);
      if (place.offset <= storedThrough) continue;
      writer.group.logPositions.set(keyOf(place), positions.markAt(place));
    }
    if (writer.group.rows > 0) writer.scheduleRead();
  }

  unreadable(records: UnreadableRecords): void {
    const { positions, ingest } = this.#options;
    if (this.#isEnding || !positions.isNew(records)) return;
    ingest.rejectAt(records, { reason: records.reason, body: '' });
  }

  interrupted(why: string | undefined): void {
    this.#interruption = why;
  }

  #takeRun({ topic, records, origin, end }: Run): void {
    const { ingest, writer, positions, holds } = this.#options;
    for (const { batch } of batchesOf(records)) {
      ingest.take(topic === SAMPLES_TOPIC ? batch : withoutSender(batch), {
        remote: 'kafka',
        log: origin,
      });
    }
    positions.taken(end);
    holds.read(end);
    if (!origin.isReread) writer.group.logPositions.set(keyOf(end), positions.markAt(end));
    if (writer.group.rows > 0) writer.scheduleRead();
    // Some 20 MB a second while there is much to read, which would pile up until all garbage is collected.
    for (const record of records) record.release?.();
  }

  /** While the store, or the topic of results, does not take what is made, nothing more is read. */
  async #room(): Promise<void> {
    const { signal } = this.#session;
    try {
      await this.#storing.room(signal);
      await this.#options.results.room(signal);
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  async #consume(signal: AbortSignal): Promise<void> {
    const { source, group, onTopics } = this.#options;
    let replaced: MemberReplaced | undefined;
    while (!signal.aborted) {
      const session = new AbortController();
      this.#session = session;
      try {
        if (replaced !== undefined && (await isNameTaken(source, group, signal))) throw replaced;
        replaced = undefined;
        await this.#makeTopics(signal);
        onTopics();
        // Days of windows may have to be read; until then the others keep their slots.
        await this.#caughtUp(signal);
        this.#consumer = source.consumer(group);
        await this.#consumer.run(this, session.signal);
      } catch (error) {
        if (error instanceof MemberReplaced) replaced = error;
        if (!session.signal.aborted) this.#tell(error);
      }
      this.#consumer = undefined;
      this.#interruption = undefined;
      this.#forget(this.#options.positions.reset());
      if (session.signal.aborted) await this.#untilStored(signal);
      else await pause(retryMs, signal);
    }
  }

  /** Others have our share meanwhile. */
  async #untilStored(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    this.#tell(gaveUp());
    await this.#storing.stored(signal).catch((error: unknown) => {
      if (!signal.aborted) throw error;
    });
  }

  async #caughtUp(signal: AbortSignal): Promise<void> {
    this.#waiting += 1;
    await this.#options.results.caughtUp(signal).finally(() => (this.#waiting -= 1));
  }

  #tell(error: unknown): void {
    const { memberFile, log } = this.#options;
    this.#failure = messageOf(error);
    if (!this.#telling.failed(error)) return;
    const ownHint = error instanceof WindrowError ? error.hint : undefined;
    const hint = error instanceof MemberReplaced ? nameTakenHint(memberFile) : ownHint;
    log.error({ error: this.#failure, hint }, 'nothing is taken in');
  }

  async #makeTopics(signal: AbortSignal): Promise<void> {
    const admin = this.#options.source.admin();
    try {
      await admin.ensure(this.#options.topics, signal);
    } finally {
      await admin.close();
    }
  }

  /** Once for each state of theirs. */
  #tellUneven(uneven: readonly Uneven[]): void {
    const { log } = this.#options;
    const told = new Set(uneven.map((each) => describeUneven(each).message));
    for (const { message, hint } of uneven.map(describeUneven)) {
      if (!this.#uneven.has(message)) log.warn({ hint }, message);
    }
    if (told.size === 0 && this.#uneven.size > 0) {
      log.info('topics that belong together have equally many partitions again');
    }
    this.#uneven = told;
  }

  #forget(gone: ReturnType<Positions['assign']>): void {
    const { ingest, results, alerts, holds } = this.#options;
    this.#assignment += 1;
    results.release(ingest.release(gone.slots));
    alerts.release(gone.slots);
    this.#order.forget(gone.partitions);
    for (const place of gone.partitions) {
      holds.drop(place.topic, place.partition);
      this.#committed.forget(place);
    }
  }

  #commitNowAndThen(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#options;
    const commit = (): Promise<boolean> => this.#commit(signal);
    return commitNowAndThen({ clock, everyMs: commitEveryMs, commit, ...toldIn(log) }, signal);
  }

  /** @returns whether there was anything to commit */
  #commit(signal: AbortSignal): Promise<boolean> {
    const commit = this.#committing.catch(() => {}).then(() => this.#commitHeld(signal));
    this.#committing = commit;
    return commit;
  }

  async #commitHeld(signal: AbortSignal): Promise<boolean> {
    const { ingest, holds, results } = this.#options;
    const assignment = this.#assignment;
    ingest.closeHolds();
    const offsets = this.#committed.newsOf(holds.committable());
    if (offsets.length === 0 || this.#consumer === undefined) return false;
    await this.#storing.stored(signal);
    await results.published(signal);
    if (assignment !== this.#assignment) return false;
    await this.#consumer.commit(offsets, signal);
    // Of partitions that are another's by now nothing is known any longer.
    if (assignment === this.#assignment) this.#committed.add(offsets);
    return true;
  }
}

/**
 * What a batch's header says of its sender is heard where its samples are: topics are read apart
 * from each other, and said elsewhere it may come before them.
 */
function withoutSender(batch: DecodedBatch): DecodedBatch {
  const { v, sent_at } = batch.header;
  return { ...batch, header: { v, sent_at } };
}
