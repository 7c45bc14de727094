import { expect, it } from 'vitest';
import { blockAckBytesMax, statusBytesMax } from '../limits.ts';
import { ackKey, type BlockAck, decodeBlockAck } from './block-ack.ts';
import { decodeProcessingStatus } from './processing-status.ts';

const old = {
  file_name: 'log.txt',
  block_number: 3,
  machine_id: 'machine_1',
  success: true,
  timestamp: 1_763_632_800.12,
};

function json(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value));
}

it('an acknowledgment of the old system is read, and ours with its key', () => {
  expect(decodeBlockAck(json(old))).toEqual({ kind: 'ack', ack: old });
  expect(ackKey(old)).toBeUndefined();
  const ours: BlockAck = {
    ...old,
    success: false,
    transfer_id: 'a'.repeat(32),
    sender: 'desk-12',
    total_blocks: 4,
    block_size_bytes: 0,
    file_size_bytes: 5,
    checksum: 'b'.repeat(64),
    reason: 'SHA-256 is another',
  };
  expect(decodeBlockAck(json(ours))).toEqual({ kind: 'ack', ack: ours });
  expect(ackKey(ours)).toBe(`${'a'.repeat(32)}/3`);
});

it.each([
  ['no value', undefined],
  ['no JSON', Buffer.from('{')],
  ['another value', json([])],
  ['a missing field', json({ ...old, success: undefined })],
  ['a text for a number', json({ ...old, block_number: '3' })],
  ['a name that acts', json({ ...old, machine_id: 'a\u{1b}[2J' })],
  ['too long', Buffer.alloc(blockAckBytesMax + 1, ' ')],
])('an acknowledgment that is none is refused: %s', (_, value) => {
  expect(decodeBlockAck(value)).toMatchObject({ kind: 'malformed' });
});

it('the reason of an acknowledgment acts nowhere', () => {
  const decoded = decodeBlockAck(json({ ...old, reason: 'a\u{1b}[2J' }));
  expect(decoded).toMatchObject({ ack: { reason: 'a\u{FFFD}[2J' } });
});

it('a status is read as the old system wrote it, and refused when it is none', () => {
  const status = {
    machine_id: 'machine_1',
    group_id: 'distributed-processors',
    blocks_processed: 3,
    total_bytes: 402_653_184,
    failed_blocks: 0,
    assigned_partitions: [0, 2],
  };
  expect(decodeProcessingStatus(json(status))).toEqual({ kind: 'status', status });
  expect(decodeProcessingStatus(undefined).kind).toBe('malformed');
  expect(decodeProcessingStatus(json({ ...status, total_bytes: -1 }))).toEqual({
    kind: 'malformed',
    reason: expect.stringContaining('processing status: total_bytes: ') as string,
  });
  expect(decodeProcessingStatus(Buffer.alloc(statusBytesMax + 1, ' ')).kind).toBe('malformed');
});
