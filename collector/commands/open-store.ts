import { existsSync } from 'node:fs';
import type { DatabaseSync } from 'node:sqlite';
import { WindrowError } from '../../runtime/errors.ts';
import { databasePath, openForReading } from '../store/database.ts';

/** The store of a data folder, for reading. @throws WindrowError `input` when there is none */
export function openStore(dataDir: string): DatabaseSync {
  if (existsSync(databasePath(dataDir))) return openForReading(dataDir);
  throw new WindrowError('input', `there is no store in ${dataDir}`, {
    hint: 'Name the data folder of a collector with --data.',
  });
}
