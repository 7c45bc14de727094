import { expect, it } from 'vitest';
import { KnownTexts } from './known-texts.ts';

it('of names that fall on one place each is read as itself, also when it comes again', () => {
  const texts = new KnownTexts(() => true);
  // More than there are places, all of one length.
  const names = Array.from({ length: 10_000 }, (_, i) => `pc-${String(i).padStart(5, '0')}`);
  const read = names.flatMap((name) => {
    const bytes = Buffer.from(`"${name}"`);
    return [texts.read(bytes, 1), texts.read(bytes, 1)];
  });
  expect(read).toEqual(names.flatMap((name) => [name, name]));
});

it('what is not good is none, however often it comes', () => {
  const texts = new KnownTexts((text) => text !== 'bad');
  for (let i = 0; i < 2; i += 1) {
    expect(texts.read(Buffer.from('bad"'), 0)).toBeUndefined();
    expect(texts.read(Buffer.from('good"'), 0)).toBe('good');
  }
});

it('a name that ends behind the end is none', () => {
  const texts = new KnownTexts(() => true);
  const bytes = Buffer.from('name"');
  expect(texts.read(bytes, 0, 4)).toBeUndefined();
  expect(texts.read(bytes, 0, 5)).toBe('name');
  expect(texts.read(bytes, 0, 4)).toBeUndefined();
  expect(texts.read(Buffer.from('name'), 0)).toBeUndefined();
});
