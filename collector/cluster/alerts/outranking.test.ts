/** Terms above ours that somebody took who may have our slots, or comes late. */
import { expect, it } from 'vitest';
import { outrankEveryMs } from './outranking.ts';
import { telling } from './testing/collector.ts';

it('a term above ours is answered once in a while, and what waited for it is not lost', () => {
  const { clock, shared, published, commit, told } = telling();
  const foreign = (more: number) => {
    const owner = { ...told.owner, id: 'late', term: clock.wallMs() + more };
    const before = published.length;
    shared.heard({ ...told, owner });
    commit();
    return { owner, told: published.slice(before) };
  };
  const first = foreign(1_000);
  expect(first.told).toHaveLength(1);
  expect(first.told[0]?.owner.term).toBeGreaterThan(first.owner.term);
  const second = foreign(5_000);
  expect(second.told).toEqual([]);
  clock.advance(outrankEveryMs - 1);
  shared.tick();
  commit();
  expect(published.at(-1)?.owner.term).toBeLessThan(second.owner.term);
  clock.advance(1);
  shared.tick();
  commit();
  expect(published.at(-1)?.owner).toMatchObject({ id: 'one' });
  expect(published.at(-1)?.owner.term).toBeGreaterThan(second.owner.term);
});

/** What another says of the alert in a term above ours, as long as nobody has told it. */
function foreign(
  { clock, told }: Pick<ReturnType<typeof telling>, 'clock' | 'told'>,
  more: number,
) {
  return { ...told, owner: { ...told.owner, id: 'two', term: clock.wallMs() + more } };
}

it('whoever may have been replaced answers no term above its own, until the group says what is ours', () => {
  const one = telling();
  const { shared, standing, published, commit } = one;
  standing.isFirm = false;
  const word = foreign(one, 1_000);
  shared.heard(word);
  shared.tick();
  commit();
  expect(published).toEqual([one.told]);
  standing.isFirm = true;
  shared.tick();
  commit();
  expect(published.at(-1)?.owner).toMatchObject({ id: 'one' });
  expect(published.at(-1)?.owner.term).toBeGreaterThan(word.owner.term);
});

it.each(['its slot', 'its server'])(
  'what waits for an answer when %s leaves is not answered should it come back, and opens nothing',
  (what) => {
    const one = telling();
    const { clock, shared, published, commit, told } = one;
    shared.heard(foreign(one, 1_000));
    shared.heard(foreign(one, 2_000));
    if (what === 'its slot') shared.release(new Set([1]));
    else shared.moved(told.server, 5);
    clock.advance(3_000);
    shared.takeOver(new Set([1]));
    commit();
    const before = published.length;
    clock.advance(outrankEveryMs);
    shared.tick();
    commit();
    expect(published.slice(before)).toEqual([]);
  },
);

it('what is over since is not opened by a word that waited for an answer', () => {
  const one = telling();
  const { clock, group, shared, published, commit } = one;
  shared.heard(foreign(one, 1_000));
  commit();
  const word = foreign(one, 5_000);
  shared.heard(word);
  one.isHeard();
  commit();
  for (const { body } of group.notices) shared.settled('ops', JSON.parse(body), 'sent');
  const over = published.at(-1);
  if (over === undefined) throw new Error('nobody was told');
  expect(over).toMatchObject({ kind: 'resolved', active: null });
  expect(over.notices.map(({ outcomes }) => outcomes)).toEqual([{ ops: 'sent' }, { ops: 'sent' }]);
  shared.heard(over);
  clock.advance(outrankEveryMs);
  shared.tick();
  commit();
  const { owner, ...last } = published.at(-1) ?? over;
  expect(last).toMatchObject({ kind: 'resolved', active: null, notices: over.notices });
  expect(owner.term).toBeGreaterThan(word.owner.term);
});
