/** What is thrown when a log will never take some of the records of a send: all others are in it. */
import { WindrowError } from '../../../runtime/errors.ts';
import type { NewLogRecord } from './port.ts';

export class RecordsRefused extends WindrowError {
  readonly records: readonly NewLogRecord[];

  /** @param reasons one for all that are refused for the same */
  constructor(records: readonly NewLogRecord[], ...reasons: readonly WindrowError[]) {
    const hints = reasons.flatMap(({ hint = [] }) => hint);
    super('refused', reasons.map(({ message }) => message).join('; '), {
      cause: reasons[0]?.cause,
      ...(hints.length === 0 ? {} : { hint: hints.join(' ') }),
    });
    this.records = records;
  }
}
