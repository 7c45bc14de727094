import { expect, it } from 'vitest';
import type { AlertRecordOnWire } from '../../../wire/records/alert-record.ts';
import { FormerWord, wordsMax } from './former-word.ts';

/** What its former owner says of the alert of one server: that it was told. */
function record(server: string, slot = 0): AlertRecordOnWire {
  const notices = [{ id: `alert-${server}`, status: 'firing' }];
  return { rule: 'cpu', server, slot, notices } as unknown as AlertRecordOnWire;
}

it('no more alerts are remembered than the limit: the one that was spoken of longest ago goes', () => {
  const word = new FormerWord();
  for (let i = 0; i < wordsMax; i += 1) word.heard(record(`pc-${i}`));
  word.heard(record('pc-0'));
  expect(word.of('cpu|pc-1')).toHaveLength(1);
  word.heard(record('one more'));
  expect(word.of('cpu|pc-1')).toEqual([]);
  expect(word.of('cpu|pc-0')).toHaveLength(1);
  expect(word.of('cpu|pc-2')).toHaveLength(1);
  expect(word.of('cpu|one more')).toHaveLength(1);
});

it('what was said of a slot that left is forgotten', () => {
  const word = new FormerWord();
  word.heard(record('stays', 1));
  word.heard(record('leaves', 2));
  word.slotLeft(2);
  expect(word.of('cpu|leaves')).toEqual([]);
  expect(word.of('cpu|stays')).toHaveLength(1);
});
