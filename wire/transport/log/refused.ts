/** What is thrown when a log will never take some of the records of a send: all others are in it. */
import { WindrowError } from '../../../runtime/errors.ts';
import type { NewLogRecord } from './port.ts';

export class RecordsRefused extends WindrowError {
  readonly records: readonly NewLogRecord[];

  constructor(records: readonly NewLogRecord[], { message, hint, cause }: WindrowError) {
    super('refused', message, { cause, ...(hint === undefined ? {} : { hint }) });
    this.records = records;
  }
}
