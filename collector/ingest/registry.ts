/** All sources that the collector knows, by identity and by number. */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Clock } from '../../runtime/clock.ts';
import type { SourceRow } from '../store/group.ts';
import {
  type Boot,
  type BootState,
  bootsMax,
  Source,
  type SourceState,
  type StoredBoot,
} from './source.ts';
import { Sequence } from './sequence.ts';

/** Sources at most: names come from the wire, and each costs memory. */
export const sourcesMax = 50_000;

export class Registry {
  readonly #byIdentity = new Map<string, Source>();
  readonly #byNumber: (Source | undefined)[] = [];
  #nextSourceNo = 1;
  #nextBootNo = 1;
  #storedBoot: StatementSync | undefined;

  /** Every source, oldest first. */
  all(): IterableIterator<Source> {
    return this.#byIdentity.values();
  }

  get size(): number {
    return this.#byIdentity.size;
  }

  get(sourceNo: number): Source | undefined {
    return this.#byNumber[sourceNo];
  }

  find(serverId: string, replayId: string): Source | undefined {
    return this.#byIdentity.get(identity(serverId, replayId));
  }

  get full(): boolean {
    return this.#byIdentity.size >= sourcesMax;
  }

  create(named: { serverId: string; replayId: string; originMs: number }): Source {
    const source = new Source({ ...named, sourceNo: this.#nextSourceNo });
    this.#keep(source);
    return source;
  }

  /** A boot that memory no longer holds: its repeats are told as before. @returns undefined when it is new */
  recallBoot(source: Source, bootId: string): Boot | undefined {
    const row = this.#storedBoot?.get(source.sourceNo, bootId);
    return row === undefined ? undefined : source.keepBoot(storedBoot(row));
  }

  /** A boot of a source that is new here. */
  createBoot(source: Source, { bootId, oldestComingSeq, clock }: NewBoot): Boot {
    const boot: Boot = {
      bootNo: this.#nextBootNo,
      bootId,
      sequence: new Sequence(undefined, oldestComingSeq),
      firstHeardMs: clock.wallMs(),
      startedMs: null,
      lastHeardMs: clock.monotonicMs(),
      hasGap: false,
    };
    this.#nextBootNo += 1;
    source.boots.set(bootId, boot);
    return boot;
  }

  /** Forgets sources that nothing is stored of any more. */
  remove(source: Source): void {
    this.#byIdentity.delete(identity(source.serverId, source.replayId));
    this.#byNumber[source.sourceNo] = undefined;
  }

  /** Fills the registry from the store. @returns each source with its state */
  restore(db: DatabaseSync): { source: Source; state: SourceState }[] {
    const boots = bootsBySource(db);
    this.#storedBoot = db.prepare('SELECT * FROM boots WHERE source_no = ? AND boot_id = ?');
    this.#nextBootNo =
      1 + Number(db.prepare('SELECT max(boot_no) AS n FROM boots').get()?.['n'] ?? 0);
    const restored: { source: Source; state: SourceState }[] = [];
    for (const row of db.prepare('SELECT * FROM sources ORDER BY source_no').iterate()) {
      const source = new Source({
        sourceNo: Number(row['source_no']),
        serverId: String(row['server_id']),
        replayId: String(row['replay_id']),
        originMs: Number(row['origin_ms']),
      });
      source.lastSeenMs = Number(row['last_seen_ms']);
      const state = JSON.parse(String(row['state'])) as SourceState;
      const current = state.senders?.current?.bootId;
      source.restore(state, keptBoots(boots.get(source.sourceNo) ?? [], current));
      this.#keep(source);
      restored.push({ source, state });
    }
    return restored;
  }

  #keep(source: Source): void {
    this.#byIdentity.set(identity(source.serverId, source.replayId), source);
    this.#byNumber[source.sourceNo] = source;
    this.#nextSourceNo = Math.max(this.#nextSourceNo, source.sourceNo + 1);
  }
}

function identity(serverId: string, replayId: string): string {
  // Each sample's server is looked up, and a text that is put together is dear.
  if (replayId === '') return serverId;
  // No server's name holds a NUL: two identities never fold into one.
  return `${serverId}\0${replayId}`;
}

/** Those longest unheard leave the memory; all that is known of them must be in the store, or on its way there. */
export function forgetOldBoots(source: Source): void {
  if (source.boots.size <= bootsMax) return;
  // The one that sends now is needed, however long ago: after a restart none has been heard.
  const others = [...source.boots.values()]
    .filter(({ bootId }) => bootId !== source.senders.currentBootId)
    .sort((a, b) => a.lastHeardMs - b.lastHeardMs);
  const excess = source.boots.size - bootsMax;
  for (const { bootId } of others.slice(0, excess)) source.boots.delete(bootId);
}

/** Decommissions a server where no collector runs on the store. */
export function decommissionStored(db: DatabaseSync, sourceNo: number): void {
  db.prepare(
    "UPDATE sources SET state = json_set(state, '$.decommissioned', json('true')) WHERE source_no = ?",
  ).run(sourceNo);
}

interface NewBoot {
  readonly bootId: string;
  /** See Sequence. */
  readonly oldestComingSeq: number;
  readonly clock: Clock;
}

function bootsBySource(db: DatabaseSync): Map<number, StoredBoot[]> {
  const bySource = new Map<number, StoredBoot[]>();
  for (const row of db.prepare('SELECT * FROM boots ORDER BY boot_no').iterate()) {
    const sourceNo = Number(row['source_no']);
    const boot = storedBoot(row);
    const list = bySource.get(sourceNo);
    if (list === undefined) bySource.set(sourceNo, [boot]);
    else list.push(boot);
  }
  return bySource;
}

function storedBoot(row: Readonly<Record<string, unknown>>): StoredBoot {
  return {
    bootNo: Number(row['boot_no']),
    bootId: String(row['boot_id']),
    state: JSON.parse(String(row['sequence'])) as BootState,
  };
}

/**
 * Only the newest are of use; older ones stay in the store to name the boots of its samples. The
 * one that sends now is older here than those of its backlog when it was heard before them.
 */
function keptBoots(boots: readonly StoredBoot[], current: string | undefined): StoredBoot[] {
  const newest = boots.slice(-bootsMax);
  const own = boots.find(({ bootId }) => bootId === current);
  if (own === undefined || newest.includes(own)) return newest;
  return [own, ...newest.slice(1)];
}

export function sourceRow(source: Source, state: SourceState): SourceRow {
  return {
    sourceNo: source.sourceNo,
    serverId: source.serverId,
    replayId: source.replayId,
    originMs: source.originMs,
    lastSeenMs: source.lastSeenMs,
    state: JSON.stringify(state),
  };
}
