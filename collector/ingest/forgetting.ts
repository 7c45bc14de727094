/** Forgets sources that have ended, once retention has deleted all that was stored of them. */
import type { DatabaseSync } from 'node:sqlite';
import { inTransaction } from '../../runtime/transaction.ts';
import type { Registry } from './registry.ts';
import type { Source } from './source.ts';

/** Sources looked up by one step: each costs three lookups by index. */
const stepSourcesMax = 500;
/** What ages; the rest of a source goes with it. */
const AGEING = ['samples', 'details', 'windows'] as const;
const OWNED = ['boots', 'inventories', 'sources'] as const;

export interface ForgettingOptions {
  readonly db: DatabaseSync;
  readonly registry: Registry;
  /** Sources with rows that wait for a commit, which no table shows yet. */
  readonly waiting: () => ReadonlySet<number>;
  /** Frees what else memory holds of a source that is gone from the store. */
  readonly onForgotten: (source: Source) => void;
}

export class Forgetting {
  readonly #options: ForgettingOptions;
  /** Sources up to this number have had their turn. */
  #throughNo = 0;

  constructor(options: ForgettingOptions) {
    this.#options = options;
  }

  /** One bounded step. @returns whether others have their turn yet */
  step(): boolean {
    const { registry, onForgotten } = this.#options;
    const ended = this.#nextEnded();
    const gone = this.#withoutRows(ended);
    if (gone.length > 0) this.#delete(gone);
    for (const source of gone) {
      registry.remove(source);
      onForgotten(source);
    }
    const last = ended.length < stepSourcesMax ? undefined : ended.at(-1);
    this.#throughNo = last?.sourceNo ?? 0;
    return last !== undefined;
  }

  #nextEnded(): Source[] {
    const ended: Source[] = [];
    for (const source of this.#options.registry.all()) {
      if (ended.length >= stepSourcesMax) break;
      if (source.sourceNo > this.#throughNo && (source.closed || source.decommissioned)) {
        ended.push(source);
      }
    }
    return ended;
  }

  #withoutRows(sources: readonly Source[]): Source[] {
    const { db, waiting } = this.#options;
    const lookups = AGEING.map((table) =>
      db.prepare(`SELECT 1 FROM ${table} WHERE source_no = ? LIMIT 1`),
    );
    const gone = sources.filter(({ sourceNo }) =>
      lookups.every((lookup) => lookup.get(sourceNo) === undefined),
    );
    if (gone.length === 0) return gone;
    const waits = waiting();
    return gone.filter(({ sourceNo }) => !waits.has(sourceNo));
  }

  #delete(sources: readonly Source[]): void {
    const { db } = this.#options;
    const deletes = OWNED.map((table) => db.prepare(`DELETE FROM ${table} WHERE source_no = ?`));
    inTransaction(db, () => {
      for (const { sourceNo } of sources) for (const each of deletes) each.run(sourceNo);
    });
  }
}
