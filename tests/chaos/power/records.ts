/** What the writer adds: a record's text follows from its number, so that any other text is told. */
import type { NewRecord } from '../../../agent/outbox/port.ts';

/** One record a tick. */
export const tickMs = 25;
/** Large ones: the log is moved into the file some times within seconds. */
const lineChars = 25_000;

export function recordOf(number: number): NewRecord {
  const fill = `${number}.`.repeat(lineChars / (String(number).length + 1));
  return { line: `{"number":${number},"fill":"${fill}"}`, atMs: number, seq: number };
}

/** The number of a record that is as it was added. @throws when it is not */
export function numberOf(line: string): number {
  const { number } = JSON.parse(line) as { readonly number: number };
  if (recordOf(number).line !== line) throw new Error(`record ${number} is not what was added`);
  return number;
}
