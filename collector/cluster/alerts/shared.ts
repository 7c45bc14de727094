/**
 * The alerts of the slots that are this collector's: tells the others of each change, goes on with
 * those of slots that come, and lets go those of slots that leave.
 *
 * Invariant: an open alert of ours is in `#entries`, in the store with the commit that changed it,
 * and in the topic before any window that changed it is. A notice is told by whoever has its alert
 * in `#entries`, only while it waits there, and when the topic has it (see unpublished-notices.ts).
 */
import { messageOf } from '../../../runtime/errors.ts';
import {
  type AlertRecordOnWire,
  type NoticeOnWire,
  type NoticeOutcome,
} from '../../../wire/records/alert-record.ts';
import { type AlertNotice, noticeMark } from '../../alerts/alert.ts';
import type { AlertRecord } from '../../alerts/book.ts';
import type { DeliveryGate, Verdict } from '../../alerts/delivery-gate.ts';
import type { Group } from '../../store/group.ts';
import { SharedAlertStatements } from '../../store/shared-alerts.ts';
import {
  hasFiring,
  hasWaiting,
  isNews,
  isOpen,
  outcomeOf,
  toldOf,
  waitingOf,
  withNotice,
  withOutcome,
  withOutcomesOf,
  withoutNotifiers,
  withState,
  withStep,
} from './entry.ts';
import { FirstSeen } from './first-seen.ts';
import { alertNoticeOf, type Entry, keyOf } from './forms.ts';
import { FormerWord } from './former-word.ts';
import { HandOver } from './hand-over.ts';
import { newestAlert, newestAlertsAbout } from './newest.ts';
import { Outranking } from './outranking.ts';
import { PartingAlerts } from './parting.ts';
import { type Heirloom, TakeOver, type TakeOverOptions } from './take-over.ts';
import { Telling, type TellingOptions } from './telling.ts';
import { isPossibleTerm } from './term.ts';

export interface SharedAlertsOptions
  extends Omit<TakeOverOptions, 'isKnownNotifier' | 'self'>,
    TellingOptions {
  /** Ours, as the engine and ingest see them; kept up here. */
  readonly slots: Set<number>;
  /** How long each notifier waits for an answer, by name, ms. */
  readonly timeoutsMs: () => ReadonlyMap<string, number>;
  /** Whether nobody else can have them at this moment, though we were told nothing. */
  readonly ownsShare: () => boolean;
}

export class SharedAlerts implements DeliveryGate {
  readonly #options: SharedAlertsOptions;
  readonly #takeOver: TakeOver;
  readonly #statements: SharedAlertStatements;
  readonly #entries = new Map<string, Entry>();
  /** Over, and stored until the topic has shown us that everybody can know. */
  readonly #closing = new Map<string, Entry>();
  readonly #parting: PartingAlerts;
  readonly #handOver: HandOver;
  readonly #formerWord = new FormerWord();
  /** What was taken over of these is not in the queue before the next commit. */
  readonly #uncommitted = new Set<string>();
  /** Let go since slots last came: should they come back, these are newer than what the store has. */
  #formerly = new Map<string, AlertRecordOnWire>();
  /** What of the waiting group has been taken in. */
  readonly #firstSeen = new FirstSeen();
  readonly #telling: Telling;
  readonly #outranking = new Outranking();
  /** Servers that came in a slot of ours, whose alerts could not be read: by name, the slot. */
  readonly #missed = new Map<string, number>();
  #isAssigned = false;
  /** Whether what is ours may be another's by now: who has it tells what waits. */
  #isParted = true;

  constructor(options: SharedAlertsOptions) {
    this.#options = options;
    this.#telling = new Telling(options, (key) => this.#entries.get(key));
    const onEnd = (of: Entry, term: number) => this.#telling.now(of, { released: true, term });
    this.#parting = new PartingAlerts({ ...options, onEnd });
    this.#handOver = new HandOver(options.clock);
    this.#takeOver = new TakeOver({ ...options, isKnownNotifier: this.#isKnownNotifier });
    this.#statements = new SharedAlertStatements(options.db);
  }

  /** These slots are another collector's now. */
  release(slots: ReadonlySet<number>): void {
    if (slots.size === 0) return;
    this.#outranking.forget(({ slot }) => slots.has(slot));
    const { engine, slots: ours, group } = this.#options;
    // What was judged last waits for its commit still, and goes along.
    engine.checkpoint(group());
    this.inCommit(group());
    this.#telling.changed(({ slot }) => slots.has(slot));
    for (const slot of slots) {
      ours.delete(slot);
      this.#handOver.slotLeft(slot);
      this.#formerWord.slotLeft(slot);
    }
    const gone = new Map([...this.#entries].filter(([, { slot }]) => slots.has(slot)));
    engine.letGo((rule, server) => {
      const slot = gone.get(keyOf({ rule, server }))?.slot ?? this.#takeOver.slotOf(server);
      return slot !== undefined && slots.has(slot);
    });
    for (const [key, entry] of gone) {
      this.#formerly.set(key, JSON.parse(this.#telling.body(entry)) as AlertRecordOnWire);
    }
    this.#part([...gone.values()]);
  }

  /** What is said of the server comes in this slot of ours by now: its alerts go on here. */
  came(server: string, slot: number): void {
    try {
      this.#inheritOf(server, slot);
      this.#missed.delete(server);
    } catch (error) {
      this.#missed.set(server, slot);
      this.#options.log.warn({ server, error: messageOf(error) }, 'alerts of a server wait');
    }
  }

  #inheritOf(server: string, slot: number): void {
    const { self, clock } = this.#options;
    for (const record of newestAlertsAbout(this.#options, server)) {
      const { id, term } = record.owner;
      if (id === self.id || !isOpen(record) || this.#entries.has(keyOf(record))) continue;
      if (!isPossibleTerm(term, clock.wallMs())) continue;
      if (term >= this.#telling.term) this.#outrank(slot);
      this.#keep([this.#takeOver.inherit({ ...record, slot })]);
    }
  }

  /** What is said of the server comes in this slot by now, which is another collector's: it goes on with its alerts. */
  moved(server: string, slot: number): void {
    const { engine, group } = this.#options;
    this.#outranking.forget((record) => record.server === server);
    engine.checkpoint(group());
    this.inCommit(group());
    this.#telling.changed((entry) => entry.server === server);
    const gone = [...this.#entries.values()].filter((entry) => entry.server === server);
    const moved = (entry: Entry): Entry => ({ ...entry, slot });
    const there = gone.map(moved);
    for (const entry of there) this.#telling.now(entry);
    this.#part(there);
    engine.letGo((_, of) => of === server);
  }

  /** These slots are ours; the topic has been read up, and what was read is stored. */
  takeOver(slots: ReadonlySet<number>): void {
    const fresh = slots.difference(this.#options.slots);
    for (const slot of fresh) this.#options.slots.add(slot);
    this.#handOver.slotsCame(fresh);
    const known = this.#isAssigned ? this.#formerly : undefined;
    const { term, heirlooms } = this.#takeOver.of(fresh, { known, term: this.#telling.term });
    this.#telling.term = term;
    this.#isAssigned = true;
    this.#isParted = false;
    this.#keep(heirlooms);
    this.#formerly = new Map();
    this.#takeOver.judge(fresh);
  }

  /** Until we are told again what is ours. */
  parted(): void {
    this.#isParted = true;
  }

  /** Takes what the waiting group changes of our alerts; may be called again with the same group. */
  inCommit(group: Group): void {
    const changed = new Set<string>();
    const told = new Set<string>();
    const notices = this.#firstSeen.notices(group);
    for (const transition of group.alertTransitions) {
      if (!this.#firstSeen.isNew(transition)) continue;
      const key = keyOf(transition);
      const before = this.#entries.get(key);
      if (before !== undefined && before.id !== transition.id) this.#telling.later(before);
      const slot = before?.slot ?? this.#takeOver.slotOf(transition.server);
      if (slot === undefined || !this.#options.slots.has(slot)) continue;
      // With its notices: the next step, of another alert, keeps only what is still needed of this one.
      const toTell = notices.get(noticeMark({ id: transition.id, status: transition.kind })) ?? [];
      const begun = withStep(before, slot, transition);
      const entry = toTell.reduce((so, { lane, notice }) => withNotice(so, lane, notice), begun);
      this.#entries.set(key, entry);
      changed.add(key);
      if (toTell.length === 0) continue;
      told.add(key);
      for (const { notice } of toTell) this.#telling.notice(notice);
      this.#handOver.judged(key, slot, transition.atMs);
    }
    for (const { rule, server, body } of group.alertStates.values()) {
      const key = keyOf({ rule, server });
      const entry = this.#entries.get(key);
      if (entry === undefined) continue;
      const next = withState(entry, body === null ? null : (JSON.parse(body) as AlertRecord));
      this.#entries.set(key, next);
      if (isNews(entry, next)) changed.add(key);
      else this.#store(next, this.#telling.body(next));
    }
    for (const key of changed) {
      const entry = this.#entries.get(key);
      if (entry !== undefined) this.#changed(key, entry);
    }
    for (const key of told) {
      const entry = this.#entries.get(key);
      const word = this.#formerWord.of(key);
      if (entry !== undefined && word.length > 0) this.#telling.later(this.#heed(key, entry, word));
    }
  }

  /** What waits for notifiers that are no more waits no longer: told after the next commit. */
  notifiersChanged(): void {
    for (const [key, entry] of this.#entries) {
      const next = withoutNotifiers(entry, this.#isKnownNotifier);
      if (next !== entry) this.#changed(key, next);
    }
  }

  /** The topic was made anew, so nobody finds there what is open: told after the next commit. */
  tellAgain(): void {
    for (const entry of this.#entries.values()) this.#telling.later(entry);
  }

  /** What the store holds now may be told; and what was taken over is in the queue. */
  committed(): void {
    this.#telling.changed(() => true);
    this.#uncommitted.clear();
  }

  /**
   * What the topic says of a slot of ours, or of an alert that was. @returns whether it is of one
   * @param known the newest that was read before, where more has been read since
   */
  heard(record: AlertRecordOnWire, known?: AlertRecordOnWire): boolean {
    const { self, slots, clock } = this.#options;
    const key = keyOf(record);
    const { id, term } = record.owner;
    this.#takeOver.sawTerm(term);
    if (id === self.id) {
      this.#outranking.said(record);
      if (this.#closing.get(key)?.id === record.id && !isOpen(record)) {
        this.#closing.delete(key);
        this.#store(record, null);
      }
      return slots.has(record.slot);
    }
    if (!slots.has(record.slot)) return false;
    if (term < this.#telling.term) this.#formerWord.heard(record);
    // Who has a higher term has replaced us, and we are about to be told so; or comes late.
    if (term > this.#telling.term && !this.#isParted) {
      if (!this.#isSurelyOurs() || !this.#outranking.begin(clock.monotonicMs())) {
        const before = known ?? newestAlert(this.#options, record);
        this.#outranking.defer({ record, before });
        return true;
      }
      this.#outrank(record.slot);
    }
    const ours = this.#entries.get(key) ?? this.#closing.get(key);
    if (ours !== undefined) this.#merge(key, ours, record);
    else if (term < this.#telling.term && isOpen(record)) {
      const before = known ?? newestAlert(this.#options, record);
      if (before?.id === record.id && !isOpen(before)) {
        // It was over before the late one told how it stood once.
        this.#telling.again({ ...before, owner: { ...self, term: this.#telling.term } });
        return true;
      }
      const isNewer = before !== undefined && before.owner.term > term;
      if (isNewer && isPossibleTerm(before.owner.term, clock.wallMs())) this.#telling.again(before);
      else this.#keep([this.#takeOver.inherit(record)]);
    }
    return true;
  }

  /** Once a second: what could not be done at once. */
  tick(): void {
    for (const [server, slot] of this.#missed) {
      if (this.#options.slots.has(slot)) this.came(server, slot);
      else this.#missed.delete(server);
    }
    const due = this.#outranking.takeDue(this.#options.clock.monotonicMs());
    for (const { record, before } of due) this.heard(record, before);
  }

  mayTell(notifier: string, notice: AlertNotice): Verdict {
    if (!this.#isSurelyOurs()) return 'later';
    const entry = this.#entries.get(keyOf(notice));
    if (entry === undefined || outcomeOf(entry, notifier, notice) !== 'waiting') return 'never';
    if (this.#uncommitted.has(keyOf(notice)) || this.#telling.isHeld(notice)) return 'later';
    const timeoutMs = this.#options.timeoutsMs().get(notifier) ?? 0;
    return this.#handOver.isHeld(keyOf(notice), timeoutMs) ? 'later' : 'now';
  }

  isOurs(notice: AlertNotice): Verdict {
    if (!this.#isSurelyOurs()) return 'later';
    const entry = this.#entries.get(keyOf(notice));
    return entry !== undefined && hasFiring(entry, notice.id) ? 'now' : 'never';
  }

  settled(notifier: string, notice: AlertNotice, outcome: NoticeOutcome): void {
    const key = keyOf(notice);
    const settling = { notifier, notice, outcome };
    this.#parting.settled(settling);
    // It goes on from there when its slot is back.
    const former = this.#formerly.get(key);
    if (former !== undefined) this.#formerly.set(key, withOutcome(former, settling));
    const entry = this.#entries.get(key);
    if (entry === undefined || outcomeOf(entry, notifier, notice) === outcome) return;
    const next = withOutcome(entry, settling);
    this.#put(key, next);
    this.#statements.putOwn(next.rule, next.server, this.#telling.body(next));
    this.#telling.now(next);
  }

  left: PartingAlerts['left'] = (notifier, notice) => this.#parting.left(notifier, notice);

  /** Nothing goes out any longer: whoever comes next may tell at once what waits. */
  stop(): void {
    this.#telling.isStopping = true;
    for (const entry of this.#entries.values()) if (hasWaiting(entry)) this.#telling.now(entry);
  }

  readonly #isKnownNotifier = (name: string): boolean => this.#options.timeoutsMs().has(name);
  /** Whoever stood still hears only later that others have told what waits here. */
  #isSurelyOurs = (): boolean => !this.#isParted && this.#options.ownsShare();

  /** These go on at another collector. */
  #part(gone: readonly Entry[]): void {
    for (const entry of gone) {
      const key = keyOf(entry);
      this.#entries.delete(key);
      this.#handOver.letGo(key);
      this.#store(entry, null);
    }
    this.#parting.add(gone, this.#telling.term);
  }

  #keep(heirlooms: readonly Heirloom[]): void {
    const held = heirlooms.filter(({ isHeld }) => isHeld);
    this.#handOver.hold(held.map(({ entry }) => keyOf(entry)));
    for (const { entry, isPublished } of heirlooms) {
      const key = keyOf(entry);
      this.#formerly.delete(key);
      this.#uncommitted.add(key);
      if (!isPublished) for (const { notice } of waitingOf(entry)) this.#telling.notice(notice);
      this.#changed(key, entry);
    }
  }

  #merge(key: string, ours: Entry, theirs: AlertRecordOnWire): void {
    if (theirs.released) this.#handOver.letGo(key);
    const next = this.#heed(key, ours, theirs.notices);
    if (theirs.owner.term < this.#telling.term) this.#telling.later(next);
  }

  /** What a former owner told of these notices needs no telling here. */
  #heed(key: string, ours: Entry, theirs: readonly NoticeOnWire[]): Entry {
    const next = withOutcomesOf(ours, theirs);
    for (const { notifier, held, notice } of toldOf(next)) {
      if (outcomeOf(ours, notifier, notice) !== 'waiting') continue;
      this.#options.group().told.push({ notifier, held, notice: alertNoticeOf(next, notice) });
    }
    // Its end, when that waits here, must find it told.
    this.#uncommitted.add(key);
    if (this.#entries.has(key)) this.#put(key, next);
    this.#store(next, this.#telling.body(next));
    return next;
  }

  #changed(key: string, entry: Entry): void {
    this.#put(key, entry);
    this.#store(entry, this.#telling.body(entry));
    this.#telling.later(entry);
  }

  #put(key: string, entry: Entry): void {
    if (isOpen(entry)) {
      this.#entries.set(key, entry);
      this.#closing.delete(key);
    } else {
      this.#entries.delete(key);
      this.#handOver.letGo(key);
      this.#closing.set(key, entry);
    }
  }

  #store({ rule, server }: Entry, body: string | null): void {
    this.#options.group().ownAlerts.set(keyOf({ rule, server }), { rule, server, body });
  }

  /** What we told would count less than what was told there in a higher term, so it is told once more. */
  #outrank(slot: number): void {
    this.#telling.term = this.#takeOver.nextTerm();
    for (const [key, entry] of this.#entries) if (entry.slot === slot) this.#changed(key, entry);
  }
}
