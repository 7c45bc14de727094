/**
 * What is committed beside an offset, as the commit's metadata:
 *
 *     metadata = topic id [ SP note ]
 *
 * A broker keeps offsets by the topic's name: those of one that was deleted would be taken for those
 * of the one that was made anew. Other programs write no id, or nothing.
 */
import type { Commit } from '../log/port.ts';

const withId = /^([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})(?: (.*))?$/s;

export function committedMetadata(topicId: string | undefined, note: string | undefined): string {
  return [topicId, note].filter((part) => part !== undefined).join(' ');
}

export function noteIn(
  metadata: string | null,
  topicId: string | undefined,
): Pick<Commit, 'note'> | 'of another topic' {
  const text = metadata ?? '';
  const found = withId.exec(text);
  if (found !== null && found[1] !== topicId) return 'of another topic';
  const note = found === null ? text : found[2];
  return note ? { note } : {};
}
