/** Tells the open pages what keeps records out: nothing can be taken in, or something has no valid form. */
import type { DatabaseSync } from 'node:sqlite';
import type { Clock } from '../../runtime/clock.ts';
import { newestQuarantine, quarantineMark } from '../store/quarantine.ts';
import type { Deafness, IntakeView } from './contract.ts';
import type { Hub } from './hub.ts';

/** Quarantined records that are shown, and characters of each. */
const newestMax = 20;
const bodyCharsMax = 200;
/** Times without hearing that are remembered: between as many lie more than the 2 minutes after which somebody is silent. */
const deafMax = 20;
/** Of rubbish that comes without end pages are told this often. */
const quarantineEveryMs = 5_000;

export interface IntakeFeedOptions {
  /** May be a connection that cannot write. */
  readonly db: DatabaseSync;
  readonly hub: Pick<Hub, 'intake'>;
  readonly clock: Clock;
  /** Why nothing can be taken in now, or published of what is; undefined when all is well. */
  readonly failure: () => string | undefined;
  /** Whether what is sent now is taken in as it comes. */
  readonly hears: () => boolean;
  /** Whether what other collectors tell comes; absent where there are none. */
  readonly hearsOthers?: (() => boolean) | undefined;
}

const othersUnread = 'the topic window-results cannot be read';

export class IntakeFeed {
  readonly #options: IntakeFeedOptions;
  /** The newest last. */
  #deaf: readonly Deafness[] = [];
  #unpublished: string | undefined;
  #toldMark: number;
  #toldMs = Number.NEGATIVE_INFINITY;

  constructor(options: IntakeFeedOptions) {
    this.#options = options;
    this.#toldMark = quarantineMark(options.db);
  }

  view(): IntakeView {
    const { db, clock } = this.#options;
    const { kept, newest } = newestQuarantine(db, newestMax);
    return {
      now: clock.wallMs(),
      deaf: this.#deaf,
      ...(this.#unpublished === undefined ? {} : { unpublished: this.#unpublished }),
      quarantine: {
        kept,
        newest: newest.map(({ id, atMs, remote, topic, reason, body }) => {
          return { id, at: atMs, from: remote, topic, reason, body: body.slice(0, bodyCharsMax) };
        }),
      },
    };
  }

  /** Once a second. */
  tick(): void {
    const { db, hub, clock } = this.#options;
    const isOtherHearing = this.#noteHearing();
    const isOtherwise = this.#notePublishing() || isOtherHearing;
    const nowMs = clock.monotonicMs();
    const mark = nowMs - this.#toldMs < quarantineEveryMs ? this.#toldMark : quarantineMark(db);
    if (mark !== this.#toldMark) this.#toldMs = nowMs;
    else if (!isOtherwise) return;
    this.#toldMark = mark;
    hub.intake(this.view());
  }

  /** @returns whether it is otherwise than a second ago */
  #noteHearing(): boolean {
    const nowMs = this.#options.clock.wallMs();
    const lasting = this.#deaf.findLast(({ through_ms }) => through_ms === null);
    const now = this.#deafNow();
    if (lasting?.others === now?.others && lasting?.why === now?.why) return false;
    const before = this.#deaf.filter((each) => each !== lasting);
    const goesOn = now !== undefined && lasting !== undefined && lasting.others === now.others;
    const over =
      goesOn || lasting === undefined ? [] : [{ ...lasting, through_ms: nowMs, why: null }];
    const since_ms = goesOn ? lasting.since_ms : nowMs;
    const begun = now === undefined ? [] : [{ since_ms, through_ms: null, ...now }];
    this.#deaf = [...before, ...over, ...begun].slice(-deafMax);
    return true;
  }

  /** @returns whether it is otherwise than a second ago */
  #notePublishing(): boolean {
    const { failure, hears } = this.#options;
    const before = this.#unpublished;
    // Of what keeps records out another line tells.
    this.#unpublished = hears() ? failure() : undefined;
    return this.#unpublished !== before;
  }

  #deafNow(): Pick<Deafness, 'why' | 'others'> | undefined {
    const { failure, hears, hearsOthers } = this.#options;
    if (!hears()) return { why: failure() ?? null };
    return hearsOthers?.() === false ? { why: othersUnread, others: true } : undefined;
  }
}
