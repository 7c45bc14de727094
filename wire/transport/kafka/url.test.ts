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

  it.each([
    ['kafka://', '--to must be kafka://host:port[,host:port], not kafka://'],
    ['kafka://a', '--to: no port in a'],
    ['kafka://a:70000', '--to: port 70000 is not from 1 to 65535'],
    ['kafka://a:9092/x', '--to: port "9092/x" is no number'],
    ['kafka://kafka://a:1', '--to: leave kafka:// out'],
    ['http://a:9092', '--to must be kafka://host:port[,host:port], not http://a:9092'],
    ['a:9092', '--to must be kafka://host:port[,host:port], not a:9092'],
  ])('%s is refused, naming the flag', (url, message) => {
    expect(() => brokersOf('--to', url)).toThrow(
      expect.objectContaining({ code: 'usage', message }),
    );
  });

  it.each(['kafka://me:secret@a:9092', 'me:secret@a:9092'])(
    'a password in it is refused and not repeated: %s',
    (url) => {
      const message = expect.stringMatching(/^--from must not hold a password: (?!.*secret)/);
      expect(() => brokersOf('--from', url)).toThrow(
        expect.objectContaining({ code: 'usage', message }),
      );
    },
  );
});

it('a password in the setting is refused, naming where it belongs', () => {
  const { error } = brokers.safeParse('a:9092,me:secret@b:9092');
  expect(error?.issues).toEqual([
    expect.objectContaining({ message: expect.stringContaining('kafka.sasl.password_file') }),
  ]);
});
