/** How much travels in one batch: far below what a collector takes. */
import type { NewRecord } from './port.ts';

/** Some 400 kB of samples. */
export const leaseRecordsMax = 120;
/** Characters of a batch's lines; a quarter of what a collector takes once decompressed. */
const leaseCharsMax = 2 * 1024 * 1024;

/** As many of the first records as fit one batch; at least one. */
export function fitting<T extends Pick<NewRecord, 'line'>>(records: readonly T[]): T[] {
  let chars = 0;
  const end = records.findIndex(({ line }, index) => {
    chars += line.length;
    return index >= leaseRecordsMax || (index > 0 && chars > leaseCharsMax);
  });
  return records.slice(0, end < 0 ? undefined : end);
}
