/** Where reading of partitions begins, and where it goes on when records are gone. */
import type { Logger } from '../../../runtime/logging.ts';
import type { PartitionOffset, SlotHandler, SlotStart } from '../log/port.ts';
import type { SlotPlace } from '../log/slots.ts';
import type { Requests } from './client.ts';
import type { Committed, Membership } from './membership.ts';
import { endsOfRead, offsetsOf, placeKey, type Position } from './offsets.ts';
import type { Gap } from './pieces.ts';

interface Starting {
  readonly client: Requests;
  readonly membership: Pick<Membership, 'committed'>;
  /** By `placeKey`, as `SlotStart` has it. */
  readonly sameBefore: ReadonlyMap<string, number>;
  /** Where we read these very partitions last: their logs may have lost their ends since. */
  readonly read: readonly Position[];
  readonly log: Logger;
}

export interface Starts {
  readonly starts: SlotStart[];
  /** Of the same partitions. */
  readonly positions: Position[];
}

/** @throws when no leader answers; where one does not, the end of its partitions is not known yet */
export async function startsOf(
  places: readonly SlotPlace[],
  { client, membership, sameBefore, read, log }: Starting,
): Promise<Starts> {
  if (places.length === 0) return { starts: [], positions: [] };
  // First, for the log grows: what was committed later may lie beyond the end as it was before.
  const committed = await membership.committed(places);
  const [earliest, latest] = await Promise.all([
    offsetsOf(client, places, 'earliest'),
    offsetsOf(client, places, 'latest'),
  ]);
  const furthest = furthestOf([...read, ...positionsIn(places, { committed, latest })]);
  const ends = await endsOfRead(client, furthest);
  const same = sameIn(furthest, { sameBefore, ends, log });
  const begun = places.map((place) => {
    const key = placeKey(place);
    const endOffset = latest.get(key) ?? Infinity;
    const first = earliest.get(key) ?? 0;
    const before = same.get(key);
    const none = { offset: first, isCut: true };
    const { leaderEpoch, ...known }: Committed & Pick<SlotStart, 'isCut'> =
      committed.get(key) ?? none;
    const begin = { ...known, offset: Math.min(known.offset, before ?? Infinity) };
    const isThere = begin.offset >= first && begin.offset <= endOffset;
    const lost = before === undefined ? {} : { sameBefore: before };
    const { topic, partition } = place;
    if (isThere) {
      const at = { topic, partition, offset: begin.offset };
      // Where the log has other records the epoch of what was read is not in it any longer.
      const isSame = before === undefined && leaderEpoch !== undefined;
      const start: SlotStart = { ...place, ...begin, ...lost, endOffset };
      return { start, position: isSame ? { ...at, leaderEpoch } : at };
    }
    const from = { topic, partition, offset: begin.offset };
    if (begin.offset < first) warnOfGap(log)({ from, to: first });
    else warnOfEnd(log, from, endOffset);
    const start: SlotStart = { ...place, ...lost, offset: first, endOffset, isCut: true };
    return { start, position: { topic, partition, offset: first } };
  });
  return {
    starts: begun.map(({ start }) => start),
    positions: begun.map(({ position }) => position),
  };
}

/** What was committed, as positions; without what lies beyond the end of the log. */
function positionsIn(
  places: readonly SlotPlace[],
  {
    committed,
    latest,
  }: {
    readonly committed: ReadonlyMap<string, Committed>;
    readonly latest: ReadonlyMap<string, number>;
  },
): Position[] {
  return places.flatMap(({ topic, partition }) => {
    const key = placeKey({ topic, partition });
    const { offset = Infinity, leaderEpoch } = committed.get(key) ?? {};
    if (leaderEpoch === undefined || offset > (latest.get(key) ?? Infinity)) return [];
    return [{ topic, partition, offset, leaderEpoch }];
  });
}

/** Of each partition the last one of which the epoch is known. */
function furthestOf(positions: readonly Position[]): Position[] {
  const known = positions.filter(({ leaderEpoch }) => leaderEpoch !== undefined);
  const inOrder = known.toSorted((a, b) => a.offset - b.offset);
  return [...new Map(inOrder.map((position) => [placeKey(position), position])).values()];
}

/** As `Starting.sameBefore`, with those that nobody has noticed yet. */
function sameIn(
  read: readonly Position[],
  {
    sameBefore,
    ends,
    log,
  }: Pick<Starting, 'sameBefore' | 'log'> & { ends: Starting['sameBefore'] },
): ReadonlyMap<string, number> {
  const same = new Map(sameBefore);
  for (const position of read) {
    const key = placeKey(position);
    const offset = ends.get(key) ?? Infinity;
    if (offset >= Math.min(position.offset, same.get(key) ?? Infinity)) continue;
    same.set(key, offset);
    warnOfLostEnd(log, { ...position, offset });
  }
  return same;
}

export function warnOfLostEnd(log: Logger, { topic, partition, offset }: PartitionOffset): void {
  const facts = { topic, partition, offset };
  log.warn(facts, 'the log lost its end at the brokers and has other records there: reads them');
}

/** @param unreadable hears of what cannot be read; all else is told in the log */
export function warnOfGap(log: Logger, unreadable?: SlotHandler['unreadable']) {
  return ({ from, to, reason }: Gap): void => {
    const { topic, partition, offset } = from;
    if (reason !== undefined && unreadable !== undefined) {
      return unreadable({ topic, partition, offset, endOffset: to, reason });
    }
    const why = reason ?? 'records are gone at the brokers';
    log.warn({ topic, partition, offset, to }, `${why}; goes on behind them`);
  };
}

function warnOfEnd(log: Logger, { topic, partition, offset }: Gap['from'], end: number): void {
  const facts = { topic, partition, offset, end };
  log.warn(facts, 'what was committed lies beyond the end of the log: reads all that is there');
}
