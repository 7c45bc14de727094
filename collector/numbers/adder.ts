/** Adds up what generators of numbers write, as a member of a group, until it is stopped. */
import { systemClock } from '../../runtime/clock.ts';
import { messageOf, WindrowError } from '../../runtime/errors.ts';
import { withinMs } from '../../runtime/lifecycle.ts';
import { NUMBERS_TOPIC } from '../../wire/compat/seed-d.ts';
import { commitNowAndThen } from '../../wire/transport/log/committing.ts';
import type { GroupOptions, Log, SlotHandler } from '../../wire/transport/log/port.ts';
import { MemberReplaced } from '../../wire/transport/log/replaced.ts';
import { TopicWatch } from './topic-watch.ts';
import { type Malformed, type Sum, Totals } from './totals.ts';

/** What a killed adder makes the next one read again. */
const commitEveryMs = 1_000;
/** At the end the last offsets get this long. */
const farewellMsMax = 1_500;
/** Leaving the group, and closing its connections. */
export const leavingMsMax = 4_000;

export interface AdderOptions {
  readonly source: Pick<Log, 'consumer'>;
  readonly group: string;
  readonly member: GroupOptions['member'];
  /** After each piece that was read, and when partitions come or go. */
  readonly onSum: (sum: Sum, malformed: readonly Malformed[]) => Promise<void>;
  /** What a person should know. */
  readonly tell: (line: string) => void;
}

/** @throws WindrowError when the group cannot be joined, ever */
export async function addUp(options: AdderOptions, stopped: AbortSignal): Promise<void> {
  const { source, group, member, onSum, tell } = options;
  const consumer = source.consumer({ group, member, topics: [NUMBERS_TOPIC] });
  const totals = new Totals();
  const left = new AbortController();
  const commit = async (): Promise<boolean> => {
    const commits = totals.uncommitted;
    if (commits.length === 0) return false;
    await consumer.commit(commits, left.signal);
    totals.committed(commits);
    return true;
  };
  const topic = new TopicWatch(tell);
  const unread: Malformed[] = [];
  let telling = Promise.resolve();
  const tellUnread = (): Promise<void> => onSum(totals.sum, unread.splice(0));
  const handler: SlotHandler = {
    missing: () => topic.missing(),
    async assigned(slots, startsAt) {
      // What could not be read is told with the total of what was ours.
      await telling;
      topic.assigned(startsAt);
      for (const { partition, offset } of totals.assigned(slots, startsAt)) {
        tell(`partition ${partition} was read up to ${offset} with no total: it begins at 0 there`);
      }
      // Of a topic that is gone there is no total.
      if (!topic.isGone) await onSum(totals.sum, []);
    },
    unreadable(records) {
      unread.push(totals.pass(records));
      // While whoever reads our output is slow they are gathered, and nothing else is taken.
      if (unread.length > 1) return;
      telling = telling.then(tellUnread);
      telling.catch(() => {});
    },
    async take(records) {
      await telling;
      const malformed = totals.take(records);
      await onSum(totals.sum, malformed);
    },
  };
  const ended = new AbortController();
  const running = consumer.run(handler, left.signal).finally(() => ended.abort());
  running.catch(() => {});
  const committing = {
    clock: systemClock,
    everyMs: commitEveryMs,
    commit,
    onFailing: (error: string, hint = '') =>
      tell(`totals are not committed, after a kill more is read again: ${error}. ${hint}`.trim()),
    onBack: () => tell('totals are committed again'),
  };
  await commitNowAndThen(committing, AbortSignal.any([stopped, ended.signal]));
  if (!ended.signal.aborted) {
    await withinMs('the last offsets', farewellMsMax, commit).catch((error: unknown) =>
      tell(`some numbers will be read again: ${messageOf(error)}`),
    );
  }
  left.abort();
  await withinMs('leaving the group', leavingMsMax, () => running.catch(tellName));
}

function tellName(error: unknown): never {
  if (!(error instanceof MemberReplaced)) throw error;
  throw new WindrowError('config', error.message, {
    hint: 'On one machine a group has one adder, the one that came last. Stop one of them, or give it another --group.',
    cause: error,
  });
}
