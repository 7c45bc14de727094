/**
 * A log in one process: what Apache Kafka does as far as windrow relies on it, without durability.
 * Groups rebalance at once, and a member hears of it when it has dealt with what it was given, so
 * that for a moment two may work on one slot, as with Kafka.
 */
import type { Clock } from '../../../runtime/clock.ts';
import { WindrowError } from '../../../runtime/errors.ts';
import { MemoryConsumer, MemoryGroup } from './memory-group.ts';
import { MemoryLine, noAnswer } from './memory-line.ts';
import { fetchFrom, MemoryTopics, type NewMemoryRecord } from './memory-topics.ts';
import { partitionOf } from './partition.ts';
import type { Log, LogAdmin, LogProducer, LogReader, LogRecord, PartitionOffset } from './port.ts';

/** Bytes of key, value and headers together; what a Kafka broker with defaults takes at most. */
const recordBytesMax = 1_000_000;

export interface MemoryLogOptions {
  /** Topics that are there from the beginning, with their partitions. */
  readonly topics?: Readonly<Record<string, number>>;
  readonly clock: Clock;
}

/** All ends of one program, which may be cut off from the log. */
export interface ProgramLog extends Log {
  readonly isCutOff: boolean;
  /**
   * Nothing passes any longer. After 10 s its group takes it out.
   * @param noticesAfterMs that its share may be another's by now; more than the 10 s
   */
  cutOff(noticesAfterMs: number): void;
  /** @param heardAfterMs so long it goes on with what it had before its group tells it anything */
  heal(heardAfterMs: number): void;
}

/** The log, and what a test does to it. */
export interface MemoryLog extends Log {
  /** For a program that is to be cut off. */
  ofProgram(): ProgramLog;
  /** Appends what no producer of ours would write. @returns its offset */
  append(record: NewMemoryRecord): number;
  /** Takes an offset without a record, as the end of a transaction does. */
  mark(place: Pick<LogRecord, 'topic' | 'partition'>): void;
  /** With all its records, as somebody would who makes it anew. */
  remove(topic: string): void;
  /** The last records of each partition are gone, as when a broker that had them alone lost its power. */
  loseEnd(topic: string, records: number): void;
  /** The topic has so many partitions from now on. */
  grow(topic: string, partitions: number): void;
  /** Takes an offset with what nobody can read. */
  spoil(place: Pick<LogRecord, 'topic' | 'partition'>, reason: string): void;
  records(topic: string): readonly LogRecord[];
  committed(group: string): readonly PartitionOffset[];
  /** The next sends fail, retryably; `written`: though their records get in, as when the answer is lost. */
  failSends(count: number, options?: { readonly written: boolean }): void;
  /** The member gets nothing any longer and the others take over, as when its process was killed. */
  kill(group: string, member: string): void;
  /** Members of groups read nothing from now on, as when brokers are away; undefined: they read again. */
  interrupt(why: string | undefined): void;
}

export function createMemoryLog({ topics: given = {}, clock }: MemoryLogOptions): MemoryLog {
  const topics = new MemoryTopics(clock);
  for (const [topic, partitions] of Object.entries(given)) topics.ensure(topic, partitions);
  const groups = new Map<string, MemoryGroup>();
  const failing = { sends: 0, written: false };

  function groupOf(name: string): MemoryGroup {
    const group = groups.get(name) ?? new MemoryGroup(topics, clock);
    groups.set(name, group);
    return group;
  }

  const endsOf = (line: MemoryLine): Log => ({
    producer: () => createProducer(topics, failing, line),
    consumer: (options) => new MemoryConsumer(topics, groupOf(options.group), options, line),
    reader: (topic) => createReader(topics, topic, line),
    admin: () => createAdmin(topics, groups),
  });

  return {
    ...endsOf(new MemoryLine()),
    ofProgram() {
      const line = new MemoryLine();
      return {
        ...endsOf(line),
        get isCutOff() {
          return line.isCut;
        },
        cutOff: (noticesAfterMs) => line.cut(noticesAfterMs),
        heal: (heardAfterMs) => line.heal(heardAfterMs),
      };
    },
    append: (record) => topics.append(record),
    mark: (place) => topics.mark(place),
    remove(topic) {
      topics.remove(topic);
      for (const group of groups.values()) group.rebalance();
    },
    loseEnd: (topic, records) => topics.loseEnd(topic, records),
    grow(topic, partitions) {
      topics.grow(topic, partitions);
      for (const group of groups.values()) group.rebalance();
    },
    spoil: (place, reason) => topics.spoil(place, reason),
    records: (topic) =>
      topics
        .partitions(topic)
        .flat()
        .flatMap(({ record }) => record ?? []),
    committed: (group) => groupOf(group).committed,
    failSends(count, { written } = { written: false }) {
      failing.sends = count;
      failing.written = written;
    },
    kill: (group, member) => groupOf(group).kill(member),
    interrupt(why) {
      topics.away = why;
    },
  };
}

function createProducer(
  topics: MemoryTopics,
  failing: { sends: number; readonly written: boolean },
  line: MemoryLine,
): LogProducer {
  let closed = false;
  return {
    async send(records, signal) {
      if (signal.aborted) throw new WindrowError('aborted', 'sending was aborted');
      if (closed) throw new WindrowError('unreachable', 'the producer is closed');
      await line.arrives(signal);
      const isFailing = failing.sends > 0;
      if (isFailing) failing.sends -= 1;
      const placed = records.map((record) => {
        const count = topics.partitions(record.topic).length;
        if (count === 0) throw noTopic(record.topic);
        const headers = Object.entries(record.headers ?? {});
        const written: NewMemoryRecord = {
          ...record,
          key: Buffer.from(record.key),
          value: record.value === null ? undefined : Buffer.from(record.value),
          headers: new Map(headers.map(([name, text]) => [name, Buffer.from(text)])),
          partition: record.partition ?? partitionOf(record.key, count),
        };
        if (bytesOf(written) <= recordBytesMax) return written;
        throw new WindrowError('refused', `a record is larger than ${recordBytesMax} bytes`);
      });
      if (!isFailing || failing.written) for (const record of placed) topics.append(record);
      if (isFailing) throw noAnswer();
    },
    async close() {
      closed = true;
    },
  };
}

function noTopic(topic: string): WindrowError {
  return new WindrowError('unreachable', `topic ${topic} is not there`, { retryable: true });
}

function bytesOf({ key, value, headers }: NewMemoryRecord): number {
  const inHeaders = [...(headers ?? [])].map(([name, text]) => name.length + text.length);
  return [key?.length ?? 0, value?.length ?? 0, ...inHeaders].reduce((sum, bytes) => sum + bytes);
}

function createReader(topics: MemoryTopics, topic: string, line: MemoryLine): LogReader {
  return {
    async end() {
      if (line.isCut) throw noAnswer();
      const topicId = topics.states([topic]).get(topic)?.id;
      if (topicId === undefined) throw noTopic(topic);
      const logs = topics.partitions(topic);
      return logs.map(({ length: offset }, partition) => ({ topic, topicId, partition, offset }));
    },
    async follow(from, { opened, take, caughtUp, unreadable, reached, ends: tellEnds }, signal) {
      await line.whole(signal);
      const positions = new Map<number, number>();
      const ends = topics.partitions(topic).map(({ length }) => length);
      let id: string | undefined;
      const open = (now: string): void => {
        const isAnew = id !== undefined;
        id = now;
        positions.clear();
        const before = isAnew ? [] : from.filter((place) => place.topic === topic);
        for (const { partition, offset, topicId = now } of before) {
          const end = topics.endOf({ topic, partition });
          if (topicId === now && offset <= end) positions.set(partition, offset);
        }
        opened?.(
          now,
          [...positions].map(([partition, offset]) => ({ topic, partition, offset })),
        );
        const begun = topics.partitions(topic).map((_, partition) => partition);
        reached?.(
          begun
            .filter((partition) => !positions.has(partition))
            .map((partition) => ({ topic, partition, offset: 0 })),
        );
      };
      const hasAll = (): boolean =>
        ends.every((end, partition) => (positions.get(partition) ?? 0) >= end);
      let told = false;
      for (; !signal.aborted; await line.whole(signal)) {
        const now = topics.states([topic]).get(topic)?.id;
        if (now !== undefined && now !== id) open(now);
        const wanted = topics.partitions(topic).map((_, partition) => ({ topic, partition }));
        tellEnds?.(
          wanted.map((place) => ({ ...place, offset: topics.endOf(place) })),
          0,
        );
        const behind: PartitionOffset[] = [];
        const records = fetchFrom(topics, wanted, {
          get: ({ partition }) => positions.get(partition) ?? 0,
          set({ partition }, offset) {
            positions.set(partition, offset);
            behind.push({ topic, partition, offset });
          },
          unreadable,
        });
        if (records.length > 0) await take(records);
        if (behind.length > 0) reached?.(behind);
        if (!told && hasAll() && !signal.aborted) {
          told = true;
          caughtUp();
        }
        if (records.length === 0) await topics.changed(signal);
      }
    },
  };
}

function createAdmin(topics: MemoryTopics, groups: ReadonlyMap<string, MemoryGroup>): LogAdmin {
  return {
    async ensure(specs) {
      for (const { name, partitions } of specs) topics.ensure(name, partitions);
      for (const group of groups.values()) group.rebalance();
    },
    async partitions(names) {
      const counts = names.map((name) => [name, topics.partitions(name).length] as const);
      return new Map(counts.filter(([, count]) => count > 0));
    },
    hasMember: async ({ group, member }) => groups.get(group)?.has(member) === true,
    checks: () => [],
    async close() {},
  };
}
