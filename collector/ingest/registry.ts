/** All sources that the collector knows, by identity and by number. */
import type { DatabaseSync } from 'node:sqlite';
import type { SourceRow } from '../store/group.ts';
import { type Boot, bootsMax, Source, type SourceState } from './source.ts';
import { Sequence, type SequenceState } from './sequence.ts';

/** Sources at most: names come from the wire, and each costs memory. */
export const sourcesMax = 50_000;

export class Registry {
  readonly #byIdentity = new Map<string, Source>();
  readonly #byNumber: (Source | undefined)[] = [];
  #nextSourceNo = 1;
  #nextBootNo = 1;

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

  /** The boot of a source, heard now, made when new; the one longest unheard makes room. */
  boot(source: Source, { bootId, seq }: { bootId: string; seq: number }, nowMs: number): Boot {
    const known = source.boots.get(bootId);
    if (known !== undefined) {
      known.lastHeardMs = nowMs;
      return known;
    }
    if (source.boots.size >= bootsMax) forgetLongestUnheard(source);
    // A replay is numbered from its first row; a live boot may be older than this collector.
    const firstSeenSeq = source.replayed ? 0 : seq;
    const boot = {
      bootNo: this.#nextBootNo,
      bootId,
      sequence: new Sequence(undefined, firstSeenSeq),
      lastHeardMs: nowMs,
    };
    this.#nextBootNo += 1;
    source.boots.set(bootId, boot);
    source.newestBootId = bootId;
    return boot;
  }

  /** Fills the registry from the store. @returns each source with its state */
  restore(db: DatabaseSync): { source: Source; state: SourceState }[] {
    const boots = bootsBySource(db);
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
      source.restore(state, boots.get(source.sourceNo) ?? []);
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
  // No server's name holds a NUL: two identities never fold into one.
  return `${serverId}\0${replayId}`;
}

function forgetLongestUnheard(source: Source): void {
  let oldest: Boot | undefined;
  for (const boot of source.boots.values()) {
    if (oldest === undefined || boot.lastHeardMs < oldest.lastHeardMs) oldest = boot;
  }
  if (oldest !== undefined) source.boots.delete(oldest.bootId);
}

interface StoredBoot {
  readonly bootNo: number;
  readonly bootId: string;
  readonly sequence: SequenceState;
}

function bootsBySource(db: DatabaseSync): Map<number, StoredBoot[]> {
  const bySource = new Map<number, StoredBoot[]>();
  for (const row of db.prepare('SELECT * FROM boots ORDER BY boot_no').iterate()) {
    const sourceNo = Number(row['source_no']);
    const boot = {
      bootNo: Number(row['boot_no']),
      bootId: String(row['boot_id']),
      sequence: JSON.parse(String(row['sequence'])) as SequenceState,
    };
    const list = bySource.get(sourceNo);
    if (list === undefined) bySource.set(sourceNo, [boot]);
    else list.push(boot);
  }
  // Only the newest are of use; older ones stay in the store to name the boots of its samples.
  for (const [sourceNo, list] of bySource) bySource.set(sourceNo, list.slice(-bootsMax));
  return bySource;
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
