import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { compressFrame, decompressFrame } from '../../native/lz4.ts';
import { missing } from '../support/tools.ts';

const CONTENTS: readonly (readonly [string, Buffer])[] = [
  ['nothing', Buffer.alloc(0)],
  ['a byte', Buffer.from('w')],
  ['text', Buffer.from('server-01,12:00:00,42.5\n'.repeat(300_000))],
  ['zeros', Buffer.alloc(5 << 20)],
  ['what does not compress', randomBytes(5 << 20)],
];

describe.skipIf(missing('lz4'))('the program lz4', () => {
  it.each(CONTENTS)('opens our frame of %s', (_, content) => {
    expect(lz4(['-d', '-c'], compressFrame(content)).equals(content)).toBe(true);
  });

  describe.each([
    ['as it comes', []],
    ['with small linked blocks', ['-B4', '-BD']],
    ['with all checksums and its size', ['-BX', '--content-size']],
    ['with the best compression', ['-12']],
    ['without checksums', ['--no-frame-crc']],
  ])('%s', (_, options) => {
    it.each(CONTENTS)('makes a frame of %s that we open', (_, content) => {
      // From a file: it writes no size of what comes through a pipe.
      const frame = lz4(['-z', '-c', ...options, '-'], content);
      expect(decompressFrame(frame, content.length).equals(content)).toBe(true);
    });
  });
});

function lz4(args: readonly string[], input: Buffer): Buffer {
  const { status, stdout, stderr } = spawnSync('lz4', ['-q', ...args], {
    input,
    maxBuffer: 64 << 20,
  });
  expect(stderr.toString()).toBe('');
  expect(status).toBe(0);
  return stdout;
}
