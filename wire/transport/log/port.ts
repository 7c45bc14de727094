/**
 * A partitioned log: what Apache Kafka is to windrow, and what stands in for it in one process.
 *
 * A record has a place for ever: topic, partition, offset. Records of one key are in one partition
 * of a topic, in the order in which they were sent. A slot is partition i of every topic together
 * (slots.ts): it goes to one member of a group, so that all that is said of one server comes to one
 * collector.
 *
 * Delivery is at least once. Whoever reads commits how far a next reader need not go back.
 */
import type { Check } from '../../../runtime/doctor.ts';

/** A record to be written. */
export interface NewLogRecord {
  readonly topic: string;
  readonly key: string;
  /** Null is a tombstone: what the key said before is void. */
  readonly value: string | Buffer | null;
  readonly headers?: Readonly<Record<string, string>>;
  /** When it was sent, ms since the epoch; the time of writing when absent. */
  readonly timeMs?: number;
  /** Chosen by the key (murmur2, as Java's clients do) when absent. */
  readonly partition?: number;
}

/** A record as it was read. Nothing in it is trusted. */
export interface LogRecord {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  /** Undefined where it has none. */
  readonly key: Buffer | undefined;
  /** Undefined: a tombstone. */
  readonly value: Buffer | undefined;
  /** The last of each name counts. */
  readonly headers: ReadonlyMap<string, Buffer>;
  /** Ms since the epoch by the sender's clock, or the broker's where the topic says so. */
  readonly timeMs: number;
  /**
   * To be called once at most, by who needs nothing of it any longer: its key, value and headers may
   * be empty after that. Memory that several lie in is given back with the last of them. Who does not
   * call it leaves that to the garbage collector.
   */
  readonly release?: (() => void) | undefined;
}

export interface PartitionOffset {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
}

/** Records of one partition that follow each other and can never be read: they are passed by. */
export interface UnreadableRecords extends PartitionOffset {
  /** Behind the last of them. */
  readonly endOffset: number;
  readonly reason: string;
}

/** How far the next reader of a partition need not go back. */
export interface Commit extends PartitionOffset {
  /** Kept with the offset, for the next reader; a broker with defaults takes 4,096 bytes. */
  readonly note?: string;
}

export interface LogProducer {
  /**
   * Resolves when all are durable in the log; each partition has one send on its way at a time, in
   * the order of the calls. When it rejects, some may have been written. A value that is a Buffer is
   * not copied: it stays as it is until then, and when it was aborted until the producer is closed.
   * @throws WindrowError; `retryable` says whether the same records may succeed later
   */
  send(records: readonly NewLogRecord[], signal: AbortSignal): Promise<void>;
  /** Ends in bounded time; may be called twice. */
  close(): Promise<void>;
}

/** What a member of a group does with its share. Calls never overlap. */
export interface SlotHandler {
  /**
   * These slots are ours from now on, and only these. Nothing is handed over before it resolves.
   * Reading of those that are kept goes on; that of new ones begins at `startsAt`. A topic that was
   * deleted and made anew is another one: all slots are new then.
   * @param uneven what keeps topics of `together` apart, and those of `alike`, and what of `spread` is missing
   */
  assigned(
    slots: ReadonlySet<number>,
    startsAt: readonly SlotStart[],
    uneven: readonly Uneven[],
  ): Promise<void>;
  /** Told before `assigned`, where topics of the group are not there: of them nothing comes before somebody makes them. */
  missing?(topics: readonly string[]): void;
  /**
   * The next records, each partition's in order, all of slots that are ours. The following come
   * when it has resolved: slowness here slows reading down, and nothing piles up.
   * @param waitedMsMax longer than this none of them waited in the log to be read; Infinity: nobody
   *   knows
   */
  take(records: readonly LogRecord[], waitedMsMax: number): Promise<void>;
  /**
   * All that partitions have before these offsets has been handed over. Marks of transactions, and
   * what retention has taken away, have offsets and no records.
   */
  reached?(places: readonly PartitionOffset[]): void;
  /**
   * Where these partitions ended `agoMs` ago or later; told before what was read together with it is
   * handed over, and again and again while nothing comes.
   */
  ends?(places: readonly PartitionOffset[], agoMs: number): void;
  /** Told in the place of these records, before what is behind them; where nobody hears it, in the log. */
  unreadable?(records: UnreadableRecords): void;
  /**
   * Our slots may be another's by now, until the next share is assigned: the group shares them anew,
   * or has not heard us for so long.
   */
  parted?(): void;
  /**
   * The share ends: the next one waits until `take` has resolved, and the whole group with it. What
   * of that is of slots that are kept is not handed over again.
   */
  ending?(): void;
  /**
   * Called when that changes: nothing of the log may come from now on, and why; undefined: it comes
   * again. While a group shares its slots anew nothing comes either.
   */
  interrupted?(why: string | undefined): void;
}

/** One partition that is new to us. */
export interface SlotStart extends PartitionOffset {
  readonly slot: number;
  /** Of the topic: one that is deleted and made anew has another. */
  readonly topicId: string;
  /** Where its log ended when it became ours: what lies before is of the past. */
  readonly endOffset: number;
  /** The log has lost its end and has other records there: before this they are what they were. */
  readonly sameBefore?: number;
  /** Nothing that was committed of it counts: what was in the log before may have been read by somebody, and be gone. */
  readonly isCut?: boolean;
  /** What was committed with the offset. */
  readonly note?: string;
}

/** Topics of `together`, or of `alike`, that have unequal partitions; or all, where `spread` has fewer than others. */
export interface Uneven {
  readonly partitions: ReadonlyMap<string, number>;
  /** They are of `alike`, or all slots are ours, so it does no harm. Else these topics wait until their partitions are equal. */
  readonly isRead: boolean;
  /** Of `spread` alone: so many slots there are, of which it has a partition only in the first. */
  readonly slotCount?: number;
}

export interface GroupConsumer {
  /** Whether nobody else can have our share at this moment, be it that we stood still and were told nothing yet. */
  readonly ownsShare: boolean;
  /**
   * Joins the group and hands over until the signal aborts; then leaves, in bounded time. What was
   * never committed begins at the earliest record, and so does what was committed beyond the end of
   * the log, or of a topic that has been made anew. Goes on by itself when brokers are away, and
   * tells the handler so.
   * @throws what the handler throws, WindrowError `config` where trying again is of no use
   */
  run(handler: SlotHandler, signal: AbortSignal): Promise<void>;
  /** The next reader of these partitions begins there. @throws WindrowError; retryable when the group changes hands */
  commit(offsets: readonly Commit[], signal: AbortSignal): Promise<void>;
}

/** Where to read on. */
export interface ReadPlace extends PartitionOffset {
  /** Of the topic in which it is; undefined: of whichever there is. */
  readonly topicId?: string | undefined;
}

export interface LogReader {
  /** Where the topic ends now: from there on `follow` gives what is new. @throws WindrowError */
  end(signal: AbortSignal): Promise<readonly ReadPlace[]>;
  /**
   * Hands over all partitions of one topic from `from` on (from the earliest where a partition is
   * not named), as a whole for itself, until the signal aborts. `caughtUp` is called once, when all
   * that was in the log at the call has been taken.
   */
  follow(
    from: readonly ReadPlace[],
    handlers: {
      /**
       * Called before the first record, and again when the topic has been made anew. What counts of
       * `from` is given; from all other partitions all comes that there is.
       */
      readonly opened?: (topicId: string, from: readonly PartitionOffset[]) => void;
      readonly take: (records: readonly LogRecord[]) => Promise<void>;
      readonly caughtUp: () => void;
      /** These are as `SlotHandler` has them. */
      readonly unreadable?: (records: UnreadableRecords) => void;
      readonly reached?: (places: readonly PartitionOffset[]) => void;
      readonly ends?: (places: readonly PartitionOffset[], agoMs: number) => void;
      /** Called when that changes: of some partition nothing may come from now on, and why; undefined: all are read. */
      readonly interrupted?: (why: string | undefined) => void;
    },
    signal: AbortSignal,
  ): Promise<void>;
}

/** A topic that must be there. */
export interface TopicSpec {
  readonly name: string;
  readonly partitions: number;
  /** Undefined: three where there are three brokers, else one. */
  readonly replicas: number | undefined;
  /** As the broker names them: `{'cleanup.policy': 'compact'}`. Of a topic that exists they are not changed. */
  readonly settings: Readonly<Record<string, string>>;
}

export type TopicRight = 'Read' | 'Write';

/** What a program does with the log, for `doctor`. */
export interface LogUse {
  readonly topics: readonly {
    readonly topic: TopicSpec;
    readonly rights: readonly TopicRight[];
    /** Bytes that its largest record may have; those of a sample when absent. */
    readonly recordBytes?: number;
  }[];
  /** The group that it reads in. */
  readonly group?: string;
  /** As `GroupOptions` has it. */
  readonly whole?: readonly string[];
}

export interface LogAdmin {
  /** Makes the topics that are missing and leaves the others. @throws WindrowError */
  ensure(topics: readonly TopicSpec[], signal: AbortSignal): Promise<void>;
  /** Partitions by topic; a topic that is not there is left out. @throws WindrowError */
  partitions(topics: readonly string[], signal: AbortSignal): Promise<ReadonlyMap<string, number>>;
  /** Whether the group has a member of this name. @throws WindrowError */
  hasMember(of: Pick<GroupOptions, 'group' | 'member'>, signal: AbortSignal): Promise<boolean>;
  /**
   * What `doctor` finds out: reaching, TLS, who we are, rights and settings of each topic.
   * @param files of these nothing fails the whole: who sends and receives no files needs none
   */
  checks(use: LogUse, files: LogUse): Check[];
  close(): Promise<void>;
}

export interface GroupOptions {
  readonly group: string;
  /** Stays the same over restarts of one member: a restart then moves no slots. */
  readonly member: string;
  /** What the members share: one with another first topic is refused. */
  readonly topics: readonly string[];
  /** Topics of which all partitions are in slot 0: what is said of one server may be in any of them. */
  readonly whole?: readonly string[];
  /** Topics that say of one server each its part, under its key: their partitions must be equally many. */
  readonly together?: readonly string[];
  /** As `together`, but what is apart is read all the same. */
  readonly alike?: readonly string[];
  /** The topic of which every member should have a part: in slots beyond its partitions there is nothing of it. */
  readonly spread?: string;
}

/** All ends of one log. */
export interface Log {
  producer(): LogProducer;
  consumer(options: GroupOptions): GroupConsumer;
  reader(topic: string): LogReader;
  admin(): LogAdmin;
}
