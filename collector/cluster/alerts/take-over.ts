/** What becomes ours with a slot: alerts as the others told them, or as this store had them when it is newer. */
import type { DatabaseSync } from 'node:sqlite';
import type { Clock } from '../../../runtime/clock.ts';
import type { Logger } from '../../../runtime/logging.ts';
import type { AlertKey, AlertRecordOnWire } from '../../../wire/records/alert-record.ts';
import type { AlertNotice } from '../../alerts/alert.ts';
import type { AlertRecord } from '../../alerts/book.ts';
import type { AlertEngine } from '../../alerts/engine.ts';
import { alertId } from '../../alerts/identity.ts';
import {
  aheadIn,
  fleetWindowsBetween,
  judgedIn,
  storedAlerts,
  transitionsOf,
} from '../../alerts/store.ts';
import type { Registry } from '../../ingest/registry.ts';
import type { Group } from '../../store/group.ts';
import { ownAlerts, sharedAlert, sharedAlertsOf, sharedTerms } from '../../store/shared-alerts.ts';
import { entryOf, isOpen, toldOf, waitingOf, withoutNotifiers } from './entry.ts';
import { alertNoticeOf, alertRecordOf, type Entry, entryIn, keyOf } from './forms.ts';
import { isPossibleTerm, nextTerm } from './term.ts';

/** The owner of this slot judges the fleet. */
export const fleetSlot = 0;
/** No window older than this is of now to any rule; servers not heard for longer need no look. */
const recentMs = 2 * 60 * 60_000;

export interface TakeOverOptions {
  readonly self: { readonly id: string };
  readonly engine: Pick<
    AlertEngine,
    'adopt' | 'over' | 'letGo' | 'checkpoint' | 'judgedThrough' | 'judgeFleet' | 'ranAhead'
  >;
  readonly registry: Registry;
  readonly db: DatabaseSync;
  readonly group: () => Group;
  readonly clock: Clock;
  readonly log: Logger;
  readonly isKnownNotifier: (name: string) => boolean;
}

/** An alert that is ours from now on. */
export interface Heirloom {
  readonly entry: Entry;
  /** What waits of it may be on its way from its former owner. */
  readonly isHeld: boolean;
  /** Whether the topic has it: not what this store alone may know. */
  readonly isPublished: boolean;
}

export class TakeOver {
  readonly #options: TakeOverOptions;
  #seenTerm = 0;

  constructor(options: TakeOverOptions) {
    this.#options = options;
    for (const term of sharedTerms(options.db)) this.sawTerm(term);
  }

  /** What no collector can have come to counts as not seen: an older windrow stored such terms. */
  sawTerm(term: number): void {
    if (isPossibleTerm(term, this.#options.clock.wallMs())) {
      this.#seenTerm = Math.max(this.#seenTerm, term);
    }
  }

  /** A term above all that were seen. */
  nextTerm(): number {
    const term = nextTerm(this.#seenTerm, this.#options.clock.wallMs());
    this.sawTerm(term);
    return term;
  }

  /** Where a server's records come, or the fleet is judged; undefined: nowhere yet. */
  slotOf(server: string): number | undefined {
    if (server === '') return fleetSlot;
    return this.#options.registry.find(server, '')?.lastSlot;
  }

  /**
   * Gives the engine the alerts of these slots.
   * @param known ours until now; undefined after a start: those that the store has
   */
  of(
    fresh: ReadonlySet<number>,
    { known, term }: { known: ReadonlyMap<string, AlertRecordOnWire> | undefined; term: number },
  ): { readonly term: number; readonly heirlooms: Heirloom[] } {
    const { self, db, clock } = this.#options;
    const nowMs = clock.wallMs();
    const stored = known === undefined ? ownAlerts(db) : [...known.values()];
    const ours = new Map(stored.map((record) => [keyOf(record), record]));
    for (const { owner } of ours.values()) this.sawTerm(owner.term);
    // Each time that slots come it grows, so what former owners still say is known by its term. One
    // that has told nothing yet has a term that nobody has seen; by the clock it is lower all the same.
    const newTerm = fresh.size > 0 ? this.nextTerm() : term;
    this.#noteJudged(fresh);
    const heirlooms: Heirloom[] = [];
    const isPossible = ({ owner }: AlertRecordOnWire): boolean => isPossibleTerm(owner.term, nowMs);
    for (const theirs of sharedAlertsOf(db, fresh).filter(isPossible)) {
      const own = ours.get(keyOf(theirs));
      const ownTerm = own !== undefined && isPossible(own) ? own.owner.term : 0;
      // Of two that took the same term the topic's word came later, or ours never came there.
      const isOlder = theirs.owner.id === self.id || theirs.owner.term < ownTerm;
      if (own !== undefined && isOlder) continue;
      ours.delete(keyOf(theirs));
      const heirloom = this.inherit(theirs);
      if (isOpen(heirloom.entry)) heirlooms.push(heirloom);
      else if (own !== undefined) this.#drop(own);
    }
    for (const own of ours.values()) {
      if (fresh.has(own.slot) && !this.#hasMoved(own)) heirlooms.push(this.#resume(own));
      else this.#drop(own);
    }
    if (known === undefined) {
      const keys = new Set(heirlooms.map(({ entry }) => keyOf(entry)));
      heirlooms.push(...this.#before(fresh, keys));
    }
    return { term: newTerm, heirlooms };
  }

  /** It was told with another slot, where the server's records come by now: it goes on there. */
  #hasMoved({ rule, server, slot, owner }: AlertRecordOnWire): boolean {
    const { db, clock } = this.#options;
    const newest = sharedAlert(db, rule, server);
    if (newest === undefined || newest.slot === slot) return false;
    const { term } = newest.owner;
    return term >= owner.term && isPossibleTerm(term, clock.wallMs());
  }

  #drop({ rule, server }: AlertKey): void {
    const { ownAlerts: rows } = this.#options.group();
    rows.set(keyOf({ rule, server }), { rule, server, body: null });
  }

  /** Judges what nobody may have judged: the fleet's windows since its former owner ended. */
  judge(fresh: ReadonlySet<number>): void {
    if (!fresh.has(fleetSlot)) return;
    const { db, engine, clock } = this.#options;
    const nowMs = clock.wallMs();
    engine.judgeFleet(fleetWindowsBetween(db, { fromMs: nowMs - recentMs, toMs: Infinity }));
  }

  /** An alert as another collector, or this one with a store that is lost, told it. */
  inherit(theirs: AlertRecordOnWire): Heirloom {
    const { self, engine, group, clock, isKnownNotifier } = this.#options;
    const entry = withoutNotifiers(entryIn(theirs), isKnownNotifier);
    const record = alertRecordOf(entry);
    if (record === undefined) engine.over(entry.rule, entry.server, entry.at_ms);
    else engine.adopt(record, this.#judgedMs(entry.server));
    for (const { notifier, held, notice } of toldOf(entry)) {
      group().told.push({ notifier, held, notice: alertNoticeOf(entry, notice) });
    }
    const atMs = clock.wallMs();
    for (const { notifier, notice } of waitingOf(entry)) {
      const inherited: AlertNotice = {
        ...alertNoticeOf(entry, notice),
        formerOwner: theirs.owner.id,
      };
      const body = JSON.stringify(inherited);
      group().notices.push({ lane: notifier, no: null, atMs, body });
    }
    const isHeld = !theirs.released && theirs.owner.id !== self.id;
    return { entry, isHeld, isPublished: true };
  }

  /** One that was ours when this collector ended, and that nobody took over. Its notices are in the store. */
  #resume(own: AlertRecordOnWire): Heirloom {
    const { engine, isKnownNotifier } = this.#options;
    const entry = withoutNotifiers(entryIn(own), isKnownNotifier);
    const record = alertRecordOf(entry);
    if (record === undefined) engine.over(entry.rule, entry.server, entry.at_ms);
    else engine.adopt(record);
    return { entry, isHeld: false, isPublished: false };
  }

  /** Alerts of before this collector shared any; states of others are not for this store. */
  *#before(fresh: ReadonlySet<number>, keys: ReadonlySet<string>): Generator<Heirloom> {
    const { db, engine, group } = this.#options;
    for (const record of storedAlerts(db)) {
      const { rule, server } = record;
      if (keys.has(keyOf(record))) continue;
      const slot = this.slotOf(server);
      if (slot === undefined || !fresh.has(slot) || sharedAlert(db, rule, server) !== undefined) {
        group().alertStates.set(`${rule}\0${server}`, { rule, server, body: null });
        continue;
      }
      engine.adopt(record);
      yield { entry: this.#entryOf(record, slot), isHeld: false, isPublished: false };
    }
  }

  #entryOf(record: AlertRecord, slot: number): Entry {
    const { rule, server, state } = record;
    const id = alertId(rule, server, state.startsAtMs);
    return entryOf(record, slot, transitionsOf(this.#options.db, id));
  }

  /** Servers of these slots are silent from when they were last heard, wherever that was. */
  #noteJudged(fresh: ReadonlySet<number>): void {
    const { registry, engine, db, clock } = this.#options;
    const nowMs = clock.wallMs();
    const aheadOf = aheadIn(db, nowMs);
    for (const source of registry.all()) {
      const { lastSlot, lastSeenMs, replayed, serverId, isOurs } = source;
      if (replayed || lastSlot === undefined || !fresh.has(lastSlot)) continue;
      if (!isOurs) source.lastSeenMonotonicMs = clock.monotonicMs() - (nowMs - lastSeenMs);
      const span = aheadOf(source.sourceNo);
      if (span !== undefined) engine.ranAhead(source.sourceNo, span);
      const atMs = lastSeenMs < nowMs - recentMs ? undefined : this.#judgedMs(serverId);
      if (atMs !== undefined) engine.judgedThrough(source, atMs);
    }
  }

  #judgedMs(server: string): number | undefined {
    const { registry, db, clock } = this.#options;
    const source = registry.find(server, '');
    if (source === undefined) return undefined;
    return judgedIn(db, clock.wallMs())(source.sourceNo, source.clockOffsetMs ?? 0);
  }
}
