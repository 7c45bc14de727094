/** Groups of a log in memory. Each member works on what it knows to be its own until it looks again. */
import { WindrowError } from '../../../runtime/errors.ts';
import { aborted } from '../../../runtime/lifecycle.ts';
import { assignSlots } from './assign.ts';
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

type Place = Pick<LogRecord, 'topic' | 'partition'>;

interface Member {
  readonly name: string;
  readonly topics: readonly string[];
  /** Slot → the rebalance since which it is this member's without a break. */
  slots: ReadonlyMap<number, number>;
  /** The rebalance that it has dealt with. */
  known: number;
  /** Taken out of the group by others. */
  gone: 'killed' | 'replaced' | undefined;
}

export class MemoryGroup {
  readonly #topics: MemoryTopics;
  readonly #members = new Map<string, Member>();
  readonly #committed = new Map<string, Commit>();
  #generation = 0;

  constructor(topics: MemoryTopics) {
    this.#topics = topics;
  }

  get generation(): number {
    return this.#generation;
  }

  get committed(): readonly Commit[] {
    return [...this.#committed.values()];
  }

  committedAt(place: Place): Commit | undefined {
    return this.#committed.get(keyOf(place));
  }

  commit(offsets: readonly Commit[]): void {
    for (const offset of offsets) this.#committed.set(keyOf(offset), offset);
  }

  join({ member: name, topics }: GroupOptions): Member {
    const before = this.#members.get(name);
    if (before !== undefined) before.gone = 'replaced';
    // Its slots stay its own: it has the name. What it knew of them it knows no longer.
    const slots = [...(before?.slots.keys() ?? [])].map((slot) => [slot, Infinity] as const);
    const member: Member = { name, topics, slots: new Map(slots), known: 0, gone: undefined };
    this.#members.set(name, member);
    this.rebalance();
    return member;
  }

  leave(member: Member): void {
    if (this.#members.get(member.name) !== member) return;
    this.#members.delete(member.name);
    this.rebalance();
  }

  kill(name: string): void {
    const member = this.#members.get(name);
    if (member === undefined) throw new Error(`${name} is no member`);
    member.gone = 'killed';
    this.leave(member);
  }

  rebalance(): void {
    this.#generation += 1;
    const members = [...this.#members.values()];
    const counts = members
      .flatMap(({ topics }) => topics)
      .map((topic) => this.#topics.partitions(topic).length);
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
  readonly #positions = new Map<string, number>();
  #member: Member | undefined;

  constructor(topics: MemoryTopics, group: MemoryGroup, options: GroupOptions) {
    this.#topics = topics;
    this.#group = group;
    this.#options = options;
  }

  async run(handler: SlotHandler, signal: AbortSignal): Promise<void> {
    const member = this.#group.join(this.#options);
    this.#member = member;
    let told: string | undefined;
    try {
      while (!signal.aborted) {
        const { away } = this.#topics;
        if (away !== told) handler.interrupted?.(away);
        told = away;
        if (member.gone === 'replaced') throw replaced(this.#options);
        if (member.gone === 'killed') await aborted(signal);
        else if (away !== undefined) await this.#topics.changed(signal);
        else if (member.known !== this.#group.generation) await this.#assign(member, handler);
        else await this.#takeNext(member, handler, signal);
      }
    } finally {
      this.#group.leave(member);
    }
  }

  async commit(offsets: readonly Commit[], signal: AbortSignal): Promise<void> {
    if (signal.aborted) throw new WindrowError('aborted', 'committing was aborted');
    const member = this.#member;
    const owns = ({ partition }: PartitionOffset): boolean => member?.slots.has(partition) === true;
    if (member?.gone !== undefined || member?.known !== this.#group.generation) throw changing();
    if (!offsets.every(owns)) throw changing();
    this.#group.commit(offsets);
  }

  async #assign(member: Member, handler: SlotHandler): Promise<void> {
    const { known } = member;
    member.known = this.#group.generation;
    const slots = new Set(member.slots.keys());
    const isKept = (place: Place): boolean =>
      (member.slots.get(place.partition) ?? Infinity) <= known && this.#positions.has(keyOf(place));
    const startsAt = this.#places(slots)
      .filter((place) => !isKept(place))
      .map((place) => this.#start(place));
    await handler.assigned(slots, startsAt);
  }

  #start(place: Place): SlotStart {
    const endOffset = this.#topics.partitions(place.topic)[place.partition]?.length ?? 0;
    const begin = this.#group.committedAt(place) ?? { ...place, offset: 0 };
    this.#positions.set(keyOf(place), begin.offset);
    return { ...begin, endOffset };
  }

  async #takeNext(member: Member, handler: SlotHandler, signal: AbortSignal): Promise<void> {
    const reached: PartitionOffset[] = [];
    const records = fetchFrom(this.#topics, this.#places(new Set(member.slots.keys())), {
      get: (place) => this.#positions.get(keyOf(place)) ?? 0,
      set: (place, offset) => {
        this.#positions.set(keyOf(place), offset);
        reached.push({ ...place, offset });
      },
    });
    if (records.length > 0) await handler.take(records, this.#topics.waitedMs(records));
    if (reached.length > 0) handler.reached?.(reached);
    else await this.#topics.changed(signal);
  }

  #places(slots: ReadonlySet<number>): Place[] {
    return this.#options.topics.flatMap((topic) =>
      this.#topics
        .partitions(topic)
        .map((_, partition) => ({ topic, partition }))
        .filter(({ partition }) => slots.has(partition)),
    );
  }
}

function keyOf({ topic, partition }: Place): string {
  return `${topic}/${partition}`;
}

function changing(): WindrowError {
  return new WindrowError('unreachable', 'the group changes hands', { retryable: true });
}

function replaced({ group, member }: GroupOptions): WindrowError {
  return new WindrowError('config', `another member of group ${group} is called ${member}`);
}
