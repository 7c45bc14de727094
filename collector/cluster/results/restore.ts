/** After a restart, and for commands: servers of other collectors as these told last. */
import type { DatabaseSync } from 'node:sqlite';
import type { Registry } from '../../ingest/registry.ts';
import { storedResults } from '../../store/results.ts';
import { apply } from './result.ts';

/** The sources must be restored before. */
export function restoreOwners(db: DatabaseSync, registry: Registry, nowMs: number): void {
  for (const stored of storedResults(db)) {
    const { server_id: serverId, source: replayId = '', last_seen_ms: lastSeenMs } = stored.result;
    const source = registry.find(serverId, replayId);
    // Heard here since: its samples came to this collector again.
    if (!stored.others || source === undefined || lastSeenMs < source.lastSeenMs) continue;
    source.isOurs = false;
    apply(source, stored, nowMs);
  }
}
