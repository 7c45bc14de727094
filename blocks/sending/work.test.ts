import { expect, it } from 'vitest';
import type { Done } from './stages.ts';
import { Work } from './work.ts';

function doneOf(readBytes: number, ms: number): Done {
  const time = { ms, cpuMs: ms };
  return { readBytes, payloadBytes: 0, stages: { read: time, hash: time, compress: time } };
}

it('what a clock or a thread takes back is told as nothing: a receiver refuses less', () => {
  let done = doneOf(10, 2);
  const work = new Work(() => done);
  done = doneOf(5, 1);
  const none = { ms: 0, cpu_ms: 0 };
  expect(work.take()).toEqual({ read_bytes: 0, read: none, hash: none, compress: none });
  done = doneOf(12, 1.5);
  const some = { ms: 0.5, cpu_ms: 0.5 };
  expect(work.take()).toEqual({ read_bytes: 7, read: some, hash: some, compress: some });
});
