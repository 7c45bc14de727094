import { expect, it } from 'vitest';
import { commonOffset, offsetText } from './own-clock.ts';

it.each([
  ['nobody tells', [], undefined],
  ['one alone may be wrong itself', [600_000], undefined],
  ['each is wrong in its own way', [600_000, -600_000, 30_000], undefined],
  ['half of them is not most', [0, 10, 600_000, 600_100], undefined],
  ['five seconds are no skew', [5_000, 5_000, 5_000], undefined],
  ['two that agree', [600_000, 604_000], "all 2 servers' clocks are about 604 s ahead of"],
  [
    'an agent on this machine',
    [0, -60_000, -60_900],
    "2 of 3 servers' clocks are about 60 s behind",
  ],
])('%s', (_, offsetsMs, text) => {
  const common = commonOffset(offsetsMs);
  if (text === undefined) expect(common).toBeUndefined();
  else expect(common && offsetText(common)).toContain(text);
});
