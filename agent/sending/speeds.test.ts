import { expect, it } from 'vitest';
import { receivingSpeeds, sendingSpeeds, speedFacts, speedsText } from './speeds.ts';

const sending = sendingSpeeds(
  { engine: 'simd4', cpuMs: 1_700 },
  {
    readBytes: 600e6,
    payloadBytes: 300e6,
    stages: {
      read: { ms: 300, cpuMs: 120 },
      hash: { ms: 1_000, cpuMs: 990 },
      compress: { ms: 0, cpuMs: 0 },
    },
  },
  { bytes: 300e6, ms: 3_000, cpuMs: 456 },
);

it('a program gets MB/s and CPU of each stage', () => {
  expect(speedFacts(sending)).toEqual({
    engine: 'simd4',
    read_mb_per_s: 2_000,
    read_cpu_seconds: 0.12,
    hash_mb_per_s: 600,
    hash_cpu_seconds: 0.99,
    compress_mb_per_s: 0,
    compress_cpu_seconds: 0,
    send_mb_per_s: 100,
    send_cpu_seconds: 0.46,
    cpu_seconds: 1.7,
  });
});

it('a person gets them in two lines', () => {
  expect(speedsText(sending)).toBe(
    'MB/s: read 2000, SHA-256 (simd4) 600, LZ4 0, sent 100\n' +
      'CPU seconds: read 0.12, SHA-256 (simd4) 0.99, LZ4 0, sent 0.46, in all 1.7',
  );
});

it('what was received has stages of its own', () => {
  const [unpack, write] = [
    { ms: 100, cpuMs: 90 },
    { ms: 50, cpuMs: 40 },
  ];
  const [hash, sync] = [
    { ms: 200, cpuMs: 200 },
    { ms: 400, cpuMs: 10 },
  ];
  const stages = { unpack, write, hash, sync };
  const received = receivingSpeeds({ engine: 'openssl', cpuMs: 500 }, { rawBytes: 100e6, stages });
  expect(speedsText(received)).toBe(
    'MB/s: unpacked 1000, written 2000, SHA-256 (openssl) 500, synced 250\n' +
      'CPU seconds: unpacked 0.09, written 0.04, SHA-256 (openssl) 0.2, synced 0.01, in all 0.5',
  );
});
