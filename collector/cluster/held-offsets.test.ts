import fc from '../../runtime/testing/property.ts';
import { describe, expect, it } from 'vitest';
import { HeldOffsets } from './held-offsets.ts';

const shape = { windowMs: 30, slideMs: 10 };
const place = (offset: number, partition = 0, topic = 't') => ({ topic, partition, offset });

describe('HeldOffsets', () => {
  it('gives the next offset where no open window needs anything', () => {
    const held = new HeldOffsets(shape);
    held.read(place(7));
    expect(held.committable()).toEqual([place(7)]);
    held.note(1, 0, place(7));
    held.read(place(9));
    held.closed(1, 30);
    expect(held.committable()).toEqual([place(9)]);
  });

  it('holds a pane until the last window over it is closed', () => {
    const held = new HeldOffsets(shape);
    held.read(place(100));
    held.note(1, 20, place(5));
    held.closed(1, 40);
    expect(held.committable()).toEqual([place(5)]);
    held.closed(1, 50);
    expect(held.committable()).toEqual([place(100)]);
  });

  it('forgets partitions that are gone and ignores what is noted of them', () => {
    const held = new HeldOffsets(shape);
    held.read(place(3));
    held.read(place(4, 1));
    held.drop('t', 0);
    held.note(1, 0, place(1));
    expect(held.committable()).toEqual([place(4, 1)]);
    held.read(place(50));
    expect(held.committable()).toContainEqual(place(50));
  });

  it('keeps an entry for a pane and partition, not for a record', () => {
    const held = new HeldOffsets(shape);
    held.read(place(0));
    for (let offset = 0; offset < 10_000; offset += 1) held.note(1, 0, place(offset));
    expect(held.panes(1)).toBe(1);
  });

  it('says what a model that remembers every record says', () => {
    const source = fc.integer({ min: 0, max: 2 });
    const partition = fc.integer({ min: 0, max: 2 });
    const step = fc.oneof(
      {
        weight: 8,
        arbitrary: fc.record({
          kind: fc.constant('note' as const),
          source,
          partition,
          pane: fc.integer({ min: -4, max: 8 }),
          back: fc.constantFrom(0, 0, 0, 3),
        }),
      },
      {
        weight: 3,
        arbitrary: fc.record({
          kind: fc.constant('close' as const),
          source,
          through: fc.integer({ min: -4, max: 12 }),
        }),
      },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant('forget' as const), source }) },
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80, size: 'max' }), (steps) => {
        const held = new HeldOffsets(shape);
        const next = [0, 0, 0];
        for (const [partition, offset] of next.entries()) held.read(place(offset, partition));
        let model: { source: number; partition: number; startMs: number; offset: number }[] = [];
        for (const step of steps) {
          if (step.kind === 'note') {
            const offset = Math.max(0, next[step.partition]! - step.back);
            next[step.partition]! += 1;
            held.note(step.source, step.pane * 10, place(offset, step.partition));
            held.read(place(next[step.partition]!, step.partition));
            model.push({ ...step, startMs: step.pane * 10, offset });
          } else if (step.kind === 'close') {
            held.closed(step.source, step.through * 10);
            // The last window over a pane begins with it.
            model = model.filter(
              ({ source, startMs }) =>
                source !== step.source || startMs + shape.windowMs > step.through * 10,
            );
          } else {
            held.forget(step.source);
            model = model.filter(({ source }) => source !== step.source);
          }
          const expected = next.map((nextOffset, partition) => {
            const own = model.filter((noted) => noted.partition === partition);
            return place(Math.min(nextOffset, ...own.map(({ offset }) => offset)), partition);
          });
          expect(held.committable()).toEqual(expected);
        }
      }),
      { numRuns: 500 },
    );
  });
});
