import fc from '../runtime/testing/property.ts';
import { describe, expect, it } from 'vitest';
import type { BlockAck } from '../wire/records/block-ack.ts';
import type { BlockChunk } from '../wire/records/block-chunk.ts';
import type { ProcessingStatus } from '../wire/records/processing-status.ts';
import { BlockSet } from './block-set.ts';
import { TransferMonitor } from './monitor.ts';
import { Throughput } from './throughput.ts';

const mib = 1024 * 1024;
const nowMs = 1_795_233_211_000;

function ackOf(changes: Partial<BlockAck> = {}): BlockAck {
  return {
    file_name: 'log.txt',
    block_number: 0,
    machine_id: 'node-1',
    success: true,
    timestamp: nowMs / 1_000,
    transfer_id: 'a'.repeat(32),
    sender: 'desk-12',
    total_blocks: 4,
    block_size_bytes: mib,
    file_size_bytes: 4 * mib,
    ...changes,
  };
}

function chunkOf(changes: Partial<BlockChunk> = {}): BlockChunk {
  return {
    v: 1,
    transfer_id: 'a'.repeat(32),
    sender: 'desk-12',
    file_name: 'log.txt',
    path: 'log.txt',
    file_size_bytes: 4 * mib,
    block_bytes: mib,
    total_blocks: 4,
    block_number: 0,
    start_offset: 0,
    end_offset: mib,
    chunk: 0,
    raw_bytes: 983_040,
    encoding: 'raw',
    crc32: '00000000',
    sent_at: nowMs,
    ...changes,
  };
}

function statusOf(machine_id: string): ProcessingStatus {
  return {
    machine_id,
    group_id: 'g',
    blocks_processed: 9,
    total_bytes: 0,
    failed_blocks: 2,
    assigned_partitions: [],
  };
}

describe('a transfer', () => {
  it('counts each block once, however often it is acknowledged', () => {
    const monitor = new TransferMonitor();
    for (const block_number of [0, 1, 1, 0]) monitor.acknowledged(ackOf({ block_number }), nowMs);
    expect(monitor.view(nowMs)).toMatchObject({
      machines: [
        { machine_id: 'desk-12', role: 'sender', active: true, blocks: 2, bytes: 2 * mib },
        { machine_id: 'node-1', role: 'receiver', active: true, blocks: 2, bytes: 2 * mib },
      ],
      transfers: [{ blocks: 2, bytes: 2 * mib, total_blocks: 4, state: 'active' }],
    });
  });

  it('has the bytes of a block on its way until that is stored or has failed', () => {
    const monitor = new TransferMonitor();
    const bytes = (): number => monitor.view(nowMs).transfers[0]?.bytes ?? 0;
    monitor.arrived(chunkOf(), 983_040, nowMs);
    expect(bytes()).toBe(983_040);
    monitor.acknowledged(ackOf({ success: false, reason: 'the SHA-256 is another' }), nowMs);
    expect(bytes()).toBe(0);
    monitor.arrived(chunkOf(), 983_040, nowMs);
    // Begun anew without a word: the first chunk tells.
    monitor.arrived(chunkOf(), 983_040, nowMs);
    monitor.arrived(chunkOf({ chunk: 1 }), mib - 983_040, nowMs);
    expect(bytes()).toBe(mib);
    monitor.acknowledged(ackOf(), nowMs);
    expect(bytes()).toBe(mib);
    expect(monitor.view(nowMs).transfers[0]).toMatchObject({
      failures: 1,
      reason: 'the SHA-256 is another',
    });
  });

  it('tells what is left at its rate, and nothing while it waits or when it is done', () => {
    const monitor = new TransferMonitor();
    const at = (seconds: number) => nowMs + seconds * 1_000;
    const file = (seconds: number) => monitor.view(at(seconds)).transfers[0];
    monitor.acknowledged(ackOf(), at(0));
    expect(file(0)?.left_ms).toBeNull();
    monitor.acknowledged(ackOf({ block_number: 1 }), at(10));
    expect(file(10)?.left_ms).toBe(10_000);
    expect(file(71)).toMatchObject({ state: 'waiting', left_ms: null });
    // Taken up the next day: the night is no part of its rate.
    monitor.arrived(chunkOf({ block_number: 2 }), mib / 2, at(80_000));
    monitor.arrived(chunkOf({ block_number: 2, chunk: 1 }), mib / 2, at(80_001));
    expect(file(80_001)?.left_ms).toBe(1_000);
    for (const block_number of [2, 3]) monitor.acknowledged(ackOf({ block_number }), at(80_002));
    expect(file(80_002)).toMatchObject({ state: 'done', left_ms: null, blocks: 4 });
  });

  it('of the old system is known by its name, without an end', () => {
    const monitor = new TransferMonitor();
    const { file_name, block_number, machine_id, success, timestamp } = ackOf();
    monitor.acknowledged({ file_name, block_number, machine_id, success, timestamp }, nowMs);
    expect(monitor.view(nowMs).transfers).toEqual([
      expect.objectContaining({ id: 'name:log.txt', blocks: 1, total_blocks: null, sender: null }),
    ]);
  });

  it('that was stored before a restart is there again and tells no change', () => {
    const monitor = new TransferMonitor();
    monitor.restore({
      id: 'a'.repeat(32),
      fileName: 'log.txt',
      sender: 'desk-12',
      sizeBytes: 4 * mib,
      totalBlocks: 4,
      heardMs: nowMs - 100_000,
      blocks: [0, 1, 2].map((number) => ({ number, sizeBytes: mib })),
    });
    expect(monitor.changes(nowMs, 10)).toBeUndefined();
    monitor.acknowledged(ackOf({ block_number: 3 }), nowMs);
    expect(monitor.view(nowMs).transfers[0]).toMatchObject({ state: 'done', bytes: 4 * mib });
  });

  it('of which a log that was out of reach tells only later has changed, and what was told stays so', () => {
    const monitor = new TransferMonitor();
    const [first, second] = ['a', 'b'].map((digit) => digit.repeat(32));
    monitor.acknowledged(ackOf({ transfer_id: first }), nowMs);
    // The log is read again from its beginning: one block was missed.
    monitor.acknowledgedBefore(ackOf({ transfer_id: first, block_number: 1 }), nowMs + 5_000);
    monitor.acknowledgedBefore(ackOf({ transfer_id: first }), nowMs);
    monitor.acknowledgedBefore(ackOf({ transfer_id: second }), nowMs + 6_000);
    expect(monitor.changes(nowMs + 9_000, 10)?.transfers).toMatchObject([
      { id: first, blocks: 2, heard_ms: nowMs + 5_000 },
      { id: second, blocks: 1, heard_ms: nowMs + 6_000 },
    ]);
    monitor.acknowledgedBefore(ackOf({ transfer_id: first, block_number: 1 }), nowMs + 5_000);
    expect(monitor.changes(nowMs + 9_000, 10)).toBeUndefined();
  });

  it('is told as changed once; those that do not fit come with the next', () => {
    const monitor = new TransferMonitor();
    for (const digit of 'abc')
      monitor.acknowledged(ackOf({ transfer_id: digit.repeat(32) }), nowMs);
    const ids = () => monitor.changes(nowMs, 2)?.transfers.map(({ id }) => id[0]);
    expect([ids(), ids(), ids()]).toEqual([['a', 'b'], ['c'], undefined]);
  });
});

it('of too many files those go that have been done the longest, then those heard the longest ago', () => {
  const monitor = new TransferMonitor();
  const acknowledge = (no: number, total_blocks: number): void => {
    const transfer_id = no.toString(16).padStart(32, '0');
    monitor.acknowledged(ackOf({ transfer_id, total_blocks }), nowMs + no);
  };
  acknowledge(0, 2);
  for (let no = 1; no <= 1_000; no += 1) acknowledge(no, 1);
  const numbers = monitor.view(nowMs).transfers.map(({ id }) => Number.parseInt(id, 16));
  expect(numbers).toHaveLength(1_000);
  expect(numbers).toContain(0);
  expect(numbers).not.toContain(1);
});

it('files of a million blocks stay within a bound together', () => {
  const monitor = new TransferMonitor();
  for (let no = 0; no < 100; no += 1) {
    const transfer_id = no.toString(16).padStart(32, '0');
    monitor.acknowledged(
      ackOf({ transfer_id, total_blocks: 1e6, block_number: 999_999 }),
      nowMs + no,
    );
  }
  expect(monitor.view(nowMs).transfers.length).toBeLessThan(70);
});

it('a machine is active for 60 s, and its own counts are believed when they are higher', () => {
  const monitor = new TransferMonitor();
  monitor.acknowledged(ackOf(), nowMs);
  monitor.status(statusOf('node-1'), nowMs);
  const receivers = (atMs: number) =>
    monitor.view(atMs).machines.filter(({ role }) => role === 'receiver');
  expect(receivers(nowMs + 60_000)).toMatchObject([
    { active: true, blocks: 9, bytes: mib, failures: 2 },
  ]);
  expect(receivers(nowMs + 60_001)).toMatchObject([{ active: false }]);
});

it('machines that are active stand first, then by name, and all are counted whether listed or not', () => {
  const monitor = new TransferMonitor();
  for (const name of ['node-9', 'node-5']) monitor.status(statusOf(name), nowMs);
  for (const name of ['node-3', 'node-2', 'node-4']) monitor.status(statusOf(name), nowMs + 60_001);
  monitor.acknowledged(ackOf({ machine_id: 'node-2', sender: 'node-2' }), nowMs + 60_001);
  const { machines, totals } = monitor.view(nowMs + 60_001, 5);
  expect(machines.map(({ machine_id, role }) => `${machine_id} ${role}`)).toEqual([
    'node-2 receiver',
    'node-2 sender',
    'node-3 receiver',
    'node-4 receiver',
    'node-5 receiver',
  ]);
  expect(totals).toEqual({
    transfers: 1,
    transfers_active: 1,
    machines: 5,
    machines_active: 3,
    failures: 10,
  });
});

it('of too many machines those go that were heard the longest ago', () => {
  const monitor = new TransferMonitor();
  const name = (no: number): string => `node-${String(no).padStart(4, '0')}`;
  for (let no = 0; no <= 1_000; no += 1) monitor.status(statusOf(name(no)), nowMs);
  expect(monitor.view(nowMs).totals.machines).toBe(1_000);
  expect(monitor.view(nowMs, 1).machines).toMatchObject([{ machine_id: name(1) }]);
});

it('a machine’s throughput is what it sends or takes, and its engine what it told', () => {
  const monitor = new TransferMonitor({ machineId: 'node-1', engine: 'openssl' });
  monitor.arrived(chunkOf(), 983_040, nowMs);
  const last = { sha256: 'a'.repeat(64), engine: 'simd4' };
  monitor.arrived(chunkOf({ chunk: 1, last }), mib - 983_040, nowMs);
  monitor.acknowledged(ackOf(), nowMs);
  // Came through a log: nothing was seen of its chunks.
  monitor.acknowledged(ackOf({ block_number: 1, machine_id: 'node-2', sender: 'a-1' }), nowMs);
  expect(monitor.view(nowMs).machines).toMatchObject([
    { machine_id: 'a-1', role: 'sender', engine: null, bytes_per_second: mib / 10 },
    { machine_id: 'desk-12', role: 'sender', engine: 'simd4', bytes_per_second: mib / 10 },
    { machine_id: 'node-1', role: 'receiver', engine: 'openssl', bytes_per_second: mib / 10 },
    { machine_id: 'node-2', role: 'receiver', engine: null, bytes_per_second: mib / 10 },
  ]);
  expect(monitor.view(nowMs + 10_000).machines).toMatchObject([
    { bytes_per_second: 0 },
    {},
    {},
    {},
  ]);
});

it('what machines tell of themselves is a change, though no file is', () => {
  const monitor = new TransferMonitor();
  expect(monitor.changes(nowMs, 10)).toBeUndefined();
  monitor.status(statusOf('node-1'), nowMs);
  expect(monitor.changes(nowMs, 10)).toMatchObject({ transfers: [], machines: [{ blocks: 9 }] });
  expect(monitor.changes(nowMs, 10)).toBeUndefined();
});

it('throughput is what came in the last 10 s, whenever one asks', () => {
  const throughput = new Throughput();
  throughput.add(1_000, nowMs);
  throughput.add(500, nowMs + 4_000);
  expect(throughput.bytesPerSecond(nowMs + 4_000)).toBe(150);
  expect(throughput.bytesPerSecond(nowMs + 10_000)).toBe(50);
  expect(throughput.bytesPerSecond(nowMs + 60_000)).toBe(0);
  throughput.add(10, nowMs - 60_000);
  expect(throughput.bytesPerSecond(nowMs - 60_000)).toBe(1);
});

it('a set of blocks is what a set of numbers is', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(5_000)), (blocks) => {
      const set = new BlockSet();
      const oracle = new Set<number>();
      for (const block of blocks) {
        expect(set.add(block)).toBe(!oracle.has(block));
        oracle.add(block);
      }
      expect(set.count).toBe(oracle.size);
      for (const block of [...blocks, 0, 5_001]) expect(set.has(block)).toBe(oracle.has(block));
    }),
  );
});
