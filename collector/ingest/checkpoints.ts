/** Remembers what changed since the last commit, and adds it to the next one. */
import type { Group } from '../store/group.ts';
import type { WindowEngine } from '../windows/engine.ts';
import type { SourceCheckpoint } from '../windows/source.ts';
import { forgetOldBoots, sourceRow } from './registry.ts';
import type { Boot, BootState, Source } from './source.ts';

export class Checkpoints {
  readonly #sources = new Set<Source>();
  readonly #boots = new Map<Boot, Source>();

  source(source: Source): void {
    this.#sources.add(source);
  }

  boot(boot: Boot, source: Source): void {
    this.#boots.set(boot, source);
  }

  /** The source is gone from the store, and nothing of it may come back there. */
  forget(source: Source): void {
    this.#sources.delete(source);
    for (const boot of source.boots.values()) this.#boots.delete(boot);
  }

  addTo(group: Group, engine: WindowEngine): void {
    for (const source of this.#sources) {
      const state = source.checkpoint(
        source.isOurs ? engine.checkpoint(source.sourceNo) : asReleased(source),
      );
      group.sources.set(source.sourceNo, sourceRow(source, state));
    }
    for (const [boot, source] of this.#boots) {
      group.boots.set(boot.bootNo, {
        bootNo: boot.bootNo,
        sourceNo: source.sourceNo,
        bootId: boot.bootId,
        sequence: JSON.stringify(bootState(boot)),
      });
    }
    for (const source of this.#sources) forgetOldBoots(source);
    this.#sources.clear();
    this.#boots.clear();
  }
}

function bootState({ sequence, firstHeardMs, startedMs }: Boot): BootState {
  return { ...sequence.checkpoint(), firstHeardMs, startedMs };
}

/** Of a source that another collector takes in. */
function asReleased({ closedHereMs }: Source): SourceCheckpoint {
  const closedThroughMs = closedHereMs === Number.NEGATIVE_INFINITY ? null : closedHereMs;
  return { closedThroughMs, firstPaneMs: null, newestMsByLane: [] };
}
