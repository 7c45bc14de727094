/**
 * What has been read of `window-results`: how far the windows of each source are closed, and the
 * windows of other collectors, which go into the store.
 *
 * Invariant: what `known` says of a source, and every window that another collector published and
 * compaction left, is from the records before `positions`; both are committed together.
 */
import type { DatabaseSync } from 'node:sqlite';
import type { Clock } from '../../../runtime/clock.ts';
import { futureMsMax, windowMsMax } from '../../../wire/limits.ts';
import {
  decodeWindowResult,
  type ResultKey,
  resultKeyText,
  WINDOW_RESULTS_TOPIC,
  type WindowResult,
} from '../../../wire/records/window-result.ts';
import type { LogRecord, UnreadableRecords } from '../../../wire/transport/log/port.ts';
import { conditionOf } from '../../api/figures.ts';
import type { Known, RecordsPlace } from '../../ingest/from-log.ts';
import { type Registry, sourceRow, sourcesMax } from '../../ingest/registry.ts';
import type { Source } from '../../ingest/source.ts';
import type { Group } from '../../store/group.ts';
import { resultPositions, storedResult, storedResults } from '../../store/results.ts';
import type { ServerWindow } from '../../windows/window.ts';
import { TopicPositions } from '../topic-positions.ts';
import { newer } from './composer.ts';
import { OtherWindows, type OtherWindowsOptions } from './other-windows.ts';
import type { OwnResult, OwnResults, ResultHead } from './own.ts';
import { PendingResults } from './pending.ts';
import { apply, type Self, windowOf } from './result.ts';

/** Sees what other collectors tell, for the live page; must not throw. */
export interface ResultsObserver {
  /** A server that is new, or is in another state or another's now. */
  serverChanged(source: Source): void;
  /** A window of now: its end and averages stand for a sample. */
  windowOf(source: Source): void;
}

export interface BookOptions {
  readonly self: Self;
  readonly registry: Registry;
  readonly clock: Clock;
  readonly windows: OtherWindowsOptions['windows'];
  readonly log: OtherWindowsOptions['log'];
  readonly observer: ResultsObserver;
  /** What waits for the next commit. */
  readonly group: () => Group;
  /** What we have published and not read yet. */
  readonly own: Pick<OwnResults, 'take'>;
  /** A window that is not ours: into the store, and into the fleet's. */
  readonly takeWindow: (window: ServerWindow, skewed: boolean) => void;
  /** What is no window result: kept for a look. */
  readonly reject: (place: RecordsPlace, rejected: { reason: string; body: string }) => void;
  /** A server of ours was taken off the lists elsewhere. */
  readonly decommission: (source: Source) => void;
  /** Whether the slot is ours. */
  readonly hasSlot: (slot: number) => boolean;
  /** What was sent until then in all of these slots of ours has been taken in, monotonic. */
  readonly heardThroughMs: (slots: Iterable<number>) => number;
  /** As `Ingest.closeThrough` has it. */
  readonly closeThrough: (source: Source, throughMs: number) => boolean;
  /** A server of ours comes in that slot by now, which is another collector's. */
  readonly moved: (source: Source, slot: number) => void;
}

interface Noted extends Known {
  /** Windows that begin before this may be stored as another collector made them. */
  readonly othersEndMs: number;
}

/** Of a malformed record; fewer characters still are kept of it. */
const bodyBytesMax = 4_096;
/** No source was opened in the engine for it. */
const notOpened = { closedThroughMs: null, firstPaneMs: null, newestMsByLane: [] };

export class ResultBook {
  readonly #options: BookOptions;
  readonly #known = new Map<string, Noted>();
  /** When another collector first told a window of a server of ours, monotonic: what came of it here was there before. */
  readonly #elsewhereSinceMs = new WeakMap<Source, number>();
  readonly #pending: PendingResults;
  readonly #otherWindows: OtherWindows;
  positions = new TopicPositions(WINDOW_RESULTS_TOPIC, new Map());

  constructor(options: BookOptions) {
    this.#options = options;
    const { clock, windows, log } = options;
    this.#pending = new PendingResults(clock);
    this.#otherWindows = new OtherWindows({ windows, sinceMs: clock.wallMs(), log });
  }

  /** As of the last commit. */
  restore(db: DatabaseSync): void {
    this.positions = new TopicPositions(WINDOW_RESULTS_TOPIC, resultPositions(db));
    for (const { result } of storedResults(db)) {
      const key = { serverId: result.server_id, replayId: result.source ?? '' };
      this.#note(resultKeyText(key), result, false);
    }
  }

  /** The newest record of a source that was read; undefined while there is none. */
  newest(db: DatabaseSync, { serverId, replayId }: ResultKey): WindowResult | undefined {
    const key = resultKeyText({ serverId, replayId });
    const waiting = this.#pending.newest(key) ?? this.#options.group().results.get(key);
    if (waiting === undefined) return storedResult(db, serverId, replayId)?.result;
    return waiting.body === null ? undefined : (JSON.parse(waiting.body) as WindowResult);
  }

  known(key: ResultKey): Known | undefined {
    const known = this.#known.get(resultKeyText(key));
    if (known === undefined) return undefined;
    const { closedThroughMs, firstPaneMs, lacksBeforeMs } = known;
    return { closedThroughMs, firstPaneMs, lacksBeforeMs };
  }

  forget(key: ResultKey): void {
    this.#known.delete(resultKeyText(key));
    this.#pending.put(resultKeyText(key), { ...key, others: false, body: null });
    this.store();
  }

  /** What waits for longer than it may is to be committed. */
  get isDue(): boolean {
    return this.#pending.isDue;
  }

  /** What was read goes into the waiting group. */
  store(): void {
    this.#pending.moveInto(this.#options.group());
  }

  /** Changes the state in memory and the waiting group, both at once, but for what `pending` keeps back. */
  take(records: readonly LogRecord[]): void {
    for (const record of records) {
      if (!this.#reach(record.partition, record.offset + 1)) continue;
      const reason = this.#takeOne(record);
      if (reason === undefined) continue;
      this.#pending.hurry();
      const body = record.value?.subarray(0, bodyBytesMax).toString() ?? '';
      this.#options.reject(record, { reason, body });
    }
    if (this.#pending.isDue) this.store();
  }

  /** What cannot be read is passed by. */
  pass({ reason, ...place }: UnreadableRecords): void {
    if (!this.#reach(place.partition, place.endOffset)) return;
    this.#options.reject(place, { reason, body: '' });
    this.store();
  }

  /** @returns whether that was not known before */
  #reach(partition: number, offset: number): boolean {
    const position = this.positions.reach(partition, offset);
    if (position !== undefined) this.#pending.reached(partition, position);
    return position !== undefined;
  }

  /** @returns why it is skipped, or undefined */
  #takeOne(record: LogRecord): string | undefined {
    const own = this.#options.own.take(record);
    if (own !== undefined) {
      return this.#takeResult(own, () => JSON.parse(own.text) as WindowResult);
    }
    const decoded = decodeWindowResult(record);
    switch (decoded.kind) {
      case 'malformed':
        return decoded.reason;
      case 'gone':
        this.#takeGone(decoded.key);
        return undefined;
      case 'window':
        const { key, result } = decoded;
        const text = JSON.stringify(result);
        return this.#takeResult({ key, head: result, text }, () => result);
    }
  }

  /** @param whole of our own it is seldom needed */
  #takeResult(
    { key, head: result, text: body }: OwnResult,
    whole: () => WindowResult,
  ): string | undefined {
    const { self, registry, clock, takeWindow, decommission } = this.#options;
    const text = resultKeyText(key);
    const throughMs = Math.max(result.end_ms, result.closed_through_ms ?? 0);
    if (result.source === undefined && throughMs > clock.wallMs() + futureMsMax + windowMsMax) {
      return 'window result: ends more than a day in the future';
    }
    const isOwn = result.owner.run === self.run;
    const source = registry.find(key.serverId, key.replayId) ?? this.#create(key, result, isOwn);
    if (source === undefined) return isOwn ? undefined : `more than ${sourcesMax} servers`;
    if (source.originMs !== result.origin_ms) return 'window result: origin_ms differs';
    // Commands look here for whether others know a server, also after a kill.
    if (!isOwn || !this.#known.has(text)) this.#pending.hurry();
    const toldThroughMs = this.#known.get(text)?.othersEndMs ?? Number.NEGATIVE_INFINITY;
    const known = this.#note(text, result, !isOwn);
    const others = result.owner.id !== self.id;
    // Who takes a server over, or hears that it is silent, tells its newest window again, whoever made it.
    if (result.end_ms > toldThroughMs) this.#otherWindows.look(result);
    this.#pending.put(text, { ...key, others, body: withKnown(body, result, known) });
    // What we made is stored already, unless another's was stored over it.
    if (!isOwn || result.start_ms < known.othersEndMs) {
      takeWindow(windowOf(whole(), source.sourceNo), result.skewed);
    }
    if (!isOwn && source.isOurs) this.#letGo(source, result);
    if (!source.isOurs) this.#show(source, { result: whole(), others });
    else if (!isOwn && result.state === 'decommissioned') decommission(source);
    return undefined;
  }

  #note(text: string, result: ResultHead, isOthers: boolean): Noted {
    const before = this.#known.get(text);
    const othersEndMs = before?.othersEndMs ?? Number.NEGATIVE_INFINITY;
    const known: Noted = {
      closedThroughMs: newer(before?.closedThroughMs ?? null, result.closed_through_ms),
      firstPaneMs: result.first_pane_ms ?? before?.firstPaneMs ?? null,
      lacksBeforeMs: later(before?.lacksBeforeMs, result.lacks_before_ms),
      othersEndMs: isOthers ? Math.max(othersEndMs, result.end_ms) : othersEndMs,
    };
    this.#known.set(text, known);
    return known;
  }

  /** Since its topic has more partitions its key may be in another one, and nothing comes here any more. */
  #letGo(source: Source, result: ResultHead): void {
    const { clock, hasSlot, heardThroughMs, closeThrough, moved } = this.#options;
    const { slot, start_ms: startMs } = result;
    if (source.replayed || slot === null || hasSlot(slot)) return;
    const nowMs = clock.monotonicMs();
    const sinceMs = this.#elsewhereSinceMs.get(source) ?? nowMs;
    this.#elsewhereSinceMs.set(source, sinceMs);
    source.heardElsewhere(result.last_seen_ms, { wallMs: clock.wallMs(), monotonicMs: nowMs });
    // Its windows of before are made by nobody else, so all of it that lies here is read first.
    if (heardThroughMs(source.slots) < sinceMs) return;
    if (!closeThrough(source, result.lacks_before_ms ?? -Infinity)) return;
    // Of its windows that began before, one may be from records that came here and to another, too.
    if (startMs <= source.newestMs) return;
    this.#elsewhereSinceMs.delete(source);
    moved(source, slot);
  }

  /** A source of another collector; one of ours that is not there any more was forgotten. */
  #create(key: ResultKey, result: ResultHead, isOwn: boolean): Source | undefined {
    const { registry, group } = this.#options;
    if (isOwn || registry.full) return undefined;
    const source = registry.create({ ...key, originMs: result.origin_ms });
    source.isOurs = false;
    source.idleClosed = true;
    group().sources.set(source.sourceNo, sourceRow(source, source.checkpoint(notOpened)));
    return source;
  }

  #show(source: Source, stored: { result: WindowResult; others: boolean }): void {
    const { clock, observer } = this.#options;
    const nowMs = clock.wallMs();
    const looks = (): string =>
      `${conditionOf(source, nowMs)} ${source.owner?.url} ${source.owner?.sourceNo}`;
    const before = source.lastSeenMs === 0 ? undefined : looks();
    const { newestMs } = source;
    apply(source, stored, nowMs);
    if (looks() !== before) observer.serverChanged(source);
    if (source.newestMs > newestMs && conditionOf(source, nowMs) === 'up') {
      observer.windowOf(source);
    }
  }

  #takeGone(key: ResultKey): void {
    const { registry, observer } = this.#options;
    this.forget(key);
    const source = registry.find(key.serverId, key.replayId);
    if (source === undefined || source.isOurs) return;
    source.closed = source.replayed;
    source.decommissioned = !source.replayed;
    source.owner = undefined;
    observer.serverChanged(source);
  }
}

/**
 * What a replaced collector still publishes may come late, and tell less than is known: after a
 * restart it must take nothing back. Else final windows would be made again of a part of their samples.
 */
function withKnown(body: string, result: ResultHead, known: Known): string {
  const { closedThroughMs: closed_through_ms, firstPaneMs: first_pane_ms } = known;
  const { lacksBeforeMs: lacks_before_ms } = known;
  const tellsAll =
    result.closed_through_ms === closed_through_ms &&
    result.first_pane_ms === first_pane_ms &&
    result.lacks_before_ms === lacks_before_ms;
  if (tellsAll) return body;
  const whole = JSON.parse(body) as WindowResult;
  return JSON.stringify({ ...whole, closed_through_ms, first_pane_ms, lacks_before_ms });
}

function later(one: number | undefined, other: number | undefined): number | undefined {
  return newer(one ?? null, other ?? null) ?? undefined;
}
