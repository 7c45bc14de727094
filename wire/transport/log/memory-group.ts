/** Groups of a log in memory. Each member works on what it knows to be its own until it looks again. */
import type { Clock } from '../../../runtime/clock.ts';
import { WindrowError } from '../../../runtime/errors.ts';
import { aborted, pause } from '../../../runtime/lifecycle.ts';
import { assignSlots } from './assign.ts';
import { type MemoryLine, noAnswer, type Unheard } from './memory-line.ts';
import { fetchFrom, type MemoryTopics } from './memory-topics.ts';
import type {
  Commit,
  GroupConsumer,
  GroupOptions,
  LogRecord,
  PartitionOffset,
  SlotHandler,
  SlotStart,
} from './port.ts';
import { MemberReplaced } from './replaced.ts';
import {
  missingIn,
  type Reading,
  readingOf,
  slotCountOf,
  slotOf,
  type SlotPlace,
} from './slots.ts';

type Place = Pick<LogRecord, 'topic' | 'partition'>;

/** Who is not heard for so long is out, as at Kafka. */
const sessionMs = 10_000;
/** Whether a session has ended is looked at this often. */
const lookEveryMs = 100;

interface Member {
  readonly name: string;
  readonly options: GroupOptions;
  /** Slot → the rebalance since which it is this member's without a break. */
  slots: ReadonlyMap<number, number>;
  /** The rebalance that it has dealt with. */
  known: number;
  /**
   * Taken out of the group by others; `missed`: its session has ended, which it does not know;
   * `parted`: which it has noticed.
   */
  gone: 'killed' | 'replaced' | 'missed' | 'parted' | undefined;
  /** Its slots are others'. */
  readonly lost: () => void;
}

export class MemoryGroup {
  readonly #topics: MemoryTopics;
  readonly #clock: Clock;
  readonly #members = new Map<string, Member>();
  /** With the id of the topic that they are of. */
  readonly #committed = new Map<string, { readonly topicId: string; readonly commit: Commit }>();
  #generation = 0;

  constructor(topics: MemoryTopics, clock: Clock) {
    this.#topics = topics;
    this.#clock = clock;
  }

  get generation(): number {
    return this.#generation;
  }

  get committed(): readonly Commit[] {
    return [...this.#committed.values()].map(({ commit }) => commit);
  }

  committedAt(place: SlotPlace): Commit | undefined {
    const known = this.#committed.get(keyOf(place));
    return known?.topicId === place.topicId ? known.commit : undefined;
  }

  /** @param topicId of each, as it was read */
  commit(offsets: readonly Commit[], topicId: (commit: Commit) => string): void {
    for (const commit of offsets) {
      this.#committed.set(keyOf(commit), { topicId: topicId(commit), commit });
    }
  }

  join(options: GroupOptions, lost: () => void): Member {
    const { member: name, topics } = options;
    const isOther = (member: Member): boolean => member.options.topics[0] !== topics[0];
    if ([...this.#members.values()].some(isOther)) {
      throw new WindrowError('config', 'other programs use this group');
    }
    const before = this.#members.get(name);
    // Its slots stay its own: it has the name. What it knew of them it knows no longer.
    const slots = before?.gone === undefined ? anew(before?.slots.keys() ?? []) : new Map();
    if (before !== undefined) before.gone = 'replaced';
    const member: Member = {
      name,
      options,
      slots,
      known: 0,
      gone: undefined,
      lost,
    };
    this.#members.set(name, member);
    this.rebalance();
    return member;
  }

  /** It was taken out, and claims what it had. */
  rejoin(member: Member): void {
    member.gone = undefined;
    member.slots = anew(member.slots.keys());
    member.known = 0;
    this.rebalance();
  }

  /** Nothing is heard of the member from now on: its session ends, and later it notices that. */
  async miss(member: Member, { heard, noticesAfterMs }: Unheard): Promise<void> {
    const sinceMs = this.#clock.monotonicMs();
    const isMissed = async (ms: number): Promise<boolean> => {
      while (!heard.aborted && this.#clock.monotonicMs() - sinceMs < ms) {
        await pause(lookEveryMs, heard);
      }
      return !heard.aborted;
    };
    if (!(await isMissed(sessionMs)) || member.gone !== undefined) return;
    if (this.#members.get(member.name) !== member) return;
    member.gone = 'missed';
    this.rebalance();
    if (!(await isMissed(noticesAfterMs)) || member.gone !== 'missed') return;
    member.gone = 'parted';
    member.lost();
  }

  has(name: string): boolean {
    const member = this.#members.get(name);
    return member !== undefined && member.gone === undefined;
  }

  leave(member: Member): void {
    if (this.#members.get(member.name) !== member) return;
    this.#members.delete(member.name);
    this.rebalance();
  }

  kill(name: string): void {
    const member = this.#members.get(name);
    // It may have left already.
    if (member === undefined) return;
    member.gone = 'killed';
    member.lost();
    this.leave(member);
  }

  rebalance(): void {
    this.#generation += 1;
    const members = [...this.#members.values()].filter(({ gone }) => gone === undefined);
    const counts = members.map(({ options }) =>
      slotCountOf(this.#topics.states(options.topics), options),
    );
    const claims = members.map(({ name, slots }) => ({ name, slots: [...slots.keys()] }));
    const assigned = assignSlots(Math.max(0, ...counts), claims);
    for (const member of members) {
      const slots = assigned.get(member.name) ?? [];
      const since = (slot: number): number =>
        Math.min(this.#generation, member.slots.get(slot) ?? Infinity);
      member.slots = new Map(slots.map((slot) => [slot, since(slot)]));
    }
    this.#topics.wake();
  }
}

export class MemoryConsumer implements GroupConsumer {
  readonly #topics: MemoryTopics;
  readonly #group: MemoryGroup;
  readonly #options: GroupOptions;
  readonly #line: MemoryLine;
  readonly #positions = new Map<string, number>();
  #reading: Reading | undefined;
  #member: Member | undefined;

  constructor(topics: MemoryTopics, group: MemoryGroup, options: GroupOptions, line: MemoryLine) {
    this.#topics = topics;
    this.#group = group;
    this.#options = options;
    this.#line = line;
  }

  get ownsShare(): boolean {
    return this.#member?.gone === undefined && this.#member?.known === this.#group.generation;
  }

  async run(handler: SlotHandler, signal: AbortSignal): Promise<void> {
    const line = this.#line;
    await line.whole(signal);
    const member = this.#group.join(this.#options, () => handler.parted?.());
    this.#member = member;
    line.onCut((unheard) => void this.#group.miss(member, unheard));
    let told: string | undefined;
    try {
      while (!signal.aborted) {
        const { away = line.isHeard ? undefined : 'the group does not answer' } = this.#topics;
        if (away !== told) handler.interrupted?.(away);
        told = away;
        if (member.gone === 'killed') await aborted(signal);
        else if (line.isCut) await line.whole(signal);
        else if (this.#topics.away !== undefined) await this.#topics.changed(signal);
        else if (!line.isHeard && member.gone !== 'parted') {
          // What it knows to be its own it reads on.
          await this.#takeNext(member, handler, signal);
        } else if (member.gone === 'replaced') throw new MemberReplaced(this.#options);
        else if (member.gone !== undefined) this.#rejoin(member, handler);
        else if (member.known !== this.#group.generation) await this.#assign(member, handler);
        else await this.#takeNext(member, handler, signal);
      }
    } finally {
      // Who cannot say that it leaves is missed.
      if (!line.isCut) this.#group.leave(member);
    }
  }

  async commit(offsets: readonly Commit[], signal: AbortSignal): Promise<void> {
    if (signal.aborted) throw new WindrowError('aborted', 'committing was aborted');
    if (this.#line.isCut) throw noAnswer();
    const member = this.#member;
    const owns = (place: PartitionOffset): boolean =>
      member?.slots.has(slotOf(place, this.#options)) === true;
    if (!this.ownsShare || !offsets.every(owns)) throw changing();
    const ids = new Map(this.#reading?.places.map((place) => [keyOf(place), place.topicId]));
    this.#group.commit(offsets, (commit) => ids.get(keyOf(commit)) ?? '');
  }

  #rejoin(member: Member, handler: SlotHandler): void {
    this.#line.hear();
    handler.parted?.();
    this.#group.rejoin(member);
  }

  async #assign(member: Member, handler: SlotHandler): Promise<void> {
    const { known } = member;
    handler.parted?.();
    member.known = this.#group.generation;
    const slots = new Set(member.slots.keys());
    const topics = this.#topics.states(this.#options.topics);
    const reading = readingOf(slots, topics, this.#options);
    if (reading.identity !== this.#reading?.identity) this.#positions.clear();
    this.#reading = reading;
    const isKept = (place: SlotPlace): boolean =>
      (member.slots.get(place.slot) ?? Infinity) <= known && this.#positions.has(keyOf(place));
    const startsAt = reading.places
      .filter((place) => !isKept(place))
      .map((place) => this.#start(place));
    const missing = missingIn(topics, this.#options);
    if (missing.length > 0) handler.missing?.(missing);
    await handler.assigned(slots, startsAt, reading.uneven);
  }

  #start(place: SlotPlace): SlotStart {
    const endOffset = this.#topics.endOf(place);
    const committed = this.#group.committedAt(place);
    const isThere = committed !== undefined && committed.offset <= endOffset;
    const begin = isThere ? committed : { offset: 0, isCut: true };
    this.#positions.set(keyOf(place), begin.offset);
    return { ...place, ...begin, endOffset };
  }

  async #takeNext(member: Member, handler: SlotHandler, signal: AbortSignal): Promise<void> {
    const reached: PartitionOffset[] = [];
    const places = this.#reading?.places.filter(({ slot }) => member.slots.has(slot)) ?? [];
    handler.ends?.(
      places.map((place) => ({ ...place, offset: this.#topics.endOf(place) })),
      0,
    );
    const records = fetchFrom(this.#topics, places, {
      get: (place) => this.#positions.get(keyOf(place)) ?? 0,
      set: (place, offset) => {
        this.#positions.set(keyOf(place), offset);
        reached.push({ ...place, offset });
      },
      unreadable: (records) => handler.unreadable?.(records),
    });
    if (records.length > 0) await handler.take(records, this.#topics.waitedMs(records));
    if (reached.length > 0) handler.reached?.(reached);
    else await this.#topics.changed(signal);
  }
}

/** Slots of which nothing is known any longer. */
function anew(slots: Iterable<number>): Map<number, number> {
  return new Map([...slots].map((slot) => [slot, Infinity]));
}

function keyOf({ topic, partition }: Place): string {
  return `${topic}/${partition}`;
}

function changing(): WindrowError {
  return new WindrowError('unreachable', 'the group changes hands', { retryable: true });
}
