import { expect, it } from 'vitest';
import { committedMetadata, noteIn } from './committed.ts';

const id = '0255c4ca-52d4-4321-8965-bb70eb666881';
const another = 'ffffffff-52d4-4321-8965-bb70eb666881';

it.each([undefined, 'a note', 'ü with\nlines', another])('a note comes back: %s', (note) => {
  const metadata = committedMetadata(id, note);
  expect(noteIn(metadata, id)).toEqual(note === undefined ? {} : { note });
});

it('what was committed of a topic that was deleted is told from what was of this one', () => {
  expect(noteIn(committedMetadata(another, 'a note'), id)).toBe('of another topic');
  expect(noteIn(committedMetadata(another, undefined), id)).toBe('of another topic');
});

it('other programs write no id, or nothing', () => {
  expect(noteIn('{"total":"1"}', id)).toEqual({ note: '{"total":"1"}' });
  expect(noteIn('', id)).toEqual({});
  expect(noteIn(null, id)).toEqual({});
});
