import { describe, expect, it } from 'vitest';
import { brokers } from './settings.ts';
import { brokersOf } from './url.ts';

describe('kafka://', () => {
  it.each([
    ['kafka://a:9092', ['a:9092']],
    ['kafka://a:9092,10.0.0.7:1,[::1]:2/', ['a:9092', '10.0.0.7:1', '[::1]:2']],
  ])('%s names brokers', (url, brokers) => {
    expect(brokersOf('--to', url)).toEqual(brokers);
  });

  it.each(['kafka://', 'kafka://a', 'kafka://a:0', 'kafka://a:9092/x', 'http://a:9092', 'a:9092'])(
    '%s is refused, naming the flag',
    (url) => {
      expect(() => brokersOf('--to', url)).toThrow(
        expect.objectContaining({
          code: 'usage',
          message: expect.stringContaining('--to must be'),
        }),
      );
    },
  );

  it('a password in it is refused and not repeated', () => {
    expect(() => brokersOf('--from', 'kafka://me:secret@a:9092')).toThrow(
      expect.objectContaining({ code: 'usage', message: '--from must not hold a password' }),
    );
  });
});

it('a password in the setting is refused, naming where it belongs', () => {
  const { error } = brokers.safeParse('a:9092,me:secret@b:9092');
  expect(error?.issues).toEqual([
    expect.objectContaining({ message: expect.stringContaining('kafka.sasl.password_file') }),
  ]);
});
