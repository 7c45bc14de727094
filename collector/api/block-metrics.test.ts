import { Registry, type OpenMetricsContentType } from 'prom-client';
import { expect, it } from 'vitest';
import { addBlockMetrics, type BlockFigures } from './block-metrics.ts';

it('tells how fast each stage is, what it takes of the CPU, and the engine', async () => {
  const registry = new Registry<OpenMetricsContentType>();
  registry.setContentType(Registry.OPENMETRICS_CONTENT_TYPE);
  const stages = {
    unpack: { ms: 1_500, cpuMs: 1_000 },
    write: { ms: 500, cpuMs: 250 },
    hash: { ms: 2_000, cpuMs: 1_999 },
    sync: { ms: 3_000, cpuMs: 0 },
  };
  const figures = {
    blocks: 1,
    bytes: 2,
    duplicates: 3,
    failures: 4,
    open: 5,
    usedBytes: 6,
    quotaBytes: 7,
    done: { rawBytes: 3e9, stages },
    engine: 'openssl',
    senders: {
      byEngine: new Map([['simd4', 8]] as const),
      readBytes: 5e9,
      times: {
        read: { ms: 700, cpuMs: 600 },
        hash: { ms: 800, cpuMs: 750 },
        compress: { ms: 900, cpuMs: 850 },
      },
    },
  } satisfies BlockFigures;
  addBlockMetrics(registry, () => figures);
  // Asked for a second time nothing is counted twice.
  await registry.metrics();
  const lines = (await registry.metrics()).split('\n').filter((line) => !line.startsWith('#'));
  expect(lines).toEqual(
    expect.arrayContaining([
      'windrow_blocks_stage_bytes_total 3000000000',
      'windrow_blocks_stage_seconds_total{stage="unpack"} 1.5',
      'windrow_blocks_stage_seconds_total{stage="write"} 0.5',
      'windrow_blocks_stage_seconds_total{stage="hash"} 2',
      'windrow_blocks_stage_seconds_total{stage="sync"} 3',
      'windrow_blocks_stage_cpu_seconds_total{stage="unpack"} 1',
      'windrow_blocks_stage_cpu_seconds_total{stage="hash"} 1.999',
      'windrow_blocks_stage_cpu_seconds_total{stage="sync"} 0',
      'windrow_blocks_hash_engine{engine="openssl"} 1',
      'windrow_blocks_sender_stage_bytes_total 5000000000',
      'windrow_blocks_sender_stage_seconds_total{stage="read"} 0.7',
      'windrow_blocks_sender_stage_seconds_total{stage="hash"} 0.8',
      'windrow_blocks_sender_stage_cpu_seconds_total{stage="compress"} 0.85',
      'windrow_blocks_sender_engine_total{engine="openssl"} 0',
      'windrow_blocks_sender_engine_total{engine="simd4"} 8',
    ]),
  );
});
