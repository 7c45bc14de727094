import { expect, it } from 'vitest';
import { runningNote } from './running.ts';

it('a collector that listens everywhere is asked where it alone can listen', () => {
  const localUrlOf = (listen: string): string =>
    runningNote({ url: '', listen, port: 7861, tls: undefined }).localUrl;
  expect(localUrlOf('0.0.0.0')).toBe('http://127.0.0.1:7861');
  expect(localUrlOf('::')).toBe('http://[::1]:7861');
  expect(localUrlOf('::1')).toBe('http://[::1]:7861');
  expect(localUrlOf('192.0.2.7')).toBe('http://192.0.2.7:7861');
});
