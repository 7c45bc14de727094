/** Where the outbox is in the data folder. */
import { join } from 'node:path';

/** One agent at a time works in this folder. */
export function outboxFolder(dataDir: string): string {
  return join(dataDir, 'agent');
}

export function outboxPath(dataDir: string): string {
  return join(outboxFolder(dataDir), 'outbox.db');
}
