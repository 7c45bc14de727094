import { mkdirSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { expect, it } from 'vitest';
import { QUEUE_MIGRATIONS } from '../../runtime/queue/schema.ts';
import { temporaryFolder } from '../../runtime/testing/temporary-folder.ts';
import { outboxFolder, outboxPath } from './place.ts';
import { summarize } from './summary.ts';

it('an outbox of a newer windrow is called that, not one that cannot be read', () => {
  const data = temporaryFolder();
  mkdirSync(outboxFolder(data));
  const db = new DatabaseSync(outboxPath(data));
  db.exec(`PRAGMA user_version = ${QUEUE_MIGRATIONS.length + 1}`);
  db.close();
  expect(() => summarize(data)).toThrow(expect.objectContaining({ code: 'store_newer' }));
});
