import fc from '../../runtime/testing/property.ts';
import { expect, it } from 'vitest';
import { MinHeap } from './min-heap.ts';

it('gives what comes first, whatever comes, goes and changes in between', () => {
  const steps = fc.array(fc.tuple(fc.constantFrom('add', 'remove', 'move'), fc.nat(50)), {
    maxLength: 100,
  });
  fc.assert(
    fc.property(steps, (given) => {
      const heap = new MinHeap<{ at: number }>((one, other) => one.at < other.at);
      let items: { at: number }[] = [];
      for (const [what, at] of given) {
        const { first } = heap;
        expect(first?.at).toBe(items.map((item) => item.at).toSorted((a, b) => a - b)[0]);
        if (what === 'add') {
          const item = { at };
          heap.add(item);
          items.push(item);
        } else if (what === 'remove') {
          heap.removeFirst();
          items = items.filter((item) => item !== first);
        } else if (first !== undefined) {
          first.at = at;
          heap.moveFirst();
        }
      }
    }),
  );
});
