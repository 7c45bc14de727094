import { text } from 'node:stream/consumers';
import { expect, it, onTestFinished } from 'vitest';
import { answering } from '../../../runtime/testing/loopback.ts';
import type { BlockChunk } from '../../records/block-chunk.ts';
import { DirectBlockCarrier } from './blocks.ts';

const { signal: never } = new AbortController();

const record: BlockChunk = {
  v: 1,
  transfer_id: 'ab'.repeat(16),
  sender: 'Ärger-1',
  file_name: 'файл',
  path: 'файл',
  file_size_bytes: 5,
  block_bytes: 1024 * 1024,
  total_blocks: 1,
  block_number: 0,
  start_offset: 0,
  end_offset: 5,
  chunk: 0,
  raw_bytes: 5,
  encoding: 'raw',
  crc32: '00000000',
  sent_at: 1,
  last: { sha256: 'ab'.repeat(32) },
};
const chunk = { record, payload: Buffer.from('bytes') };

function send(url: string) {
  const carrier = new DirectBlockCarrier({ url, token: 'secret' });
  onTestFinished(() => carrier.close());
  return carrier.send(chunk, never);
}

it('a chunk travels as it is, its record in an ASCII header, with the token', async () => {
  const seen: unknown[] = [];
  const url = await answering((request, response) => {
    void text(request).then((body) => {
      const { authorization, 'windrow-chunk': header, 'content-type': type } = request.headers;
      seen.push(authorization, JSON.parse(String(header)), type, body);
      response.end('{"next_chunk":1}');
    });
  });
  expect(await send(url)).toEqual({ nextChunk: 1, ack: undefined });
  expect(seen).toEqual(['Bearer secret', record, 'application/octet-stream', 'bytes']);
});

it('a 409 that asks for another chunk is an answer, not an error', async () => {
  const url = await answering((_, response) => {
    response.writeHead(409).end('{"next_chunk":0}');
  });
  expect(await send(url)).toMatchObject({ nextChunk: 0 });
});

it.each(['<html>', '{}', '{"next_chunk":-1}', '{"next_chunk":1,"ack":{"success":true}}'])(
  'another program that answers 200 %s has taken nothing',
  async (body) => {
    const url = await answering((_, response) => response.end(body));
    await expect(send(url)).rejects.toMatchObject({ code: 'unreachable', retryable: true });
  },
);

it.each([
  [400, 'refused', false],
  [401, 'unauthorized', true],
  [404, 'refused', true],
  [409, 'refused', true],
  [413, 'refused', false],
  [429, 'overloaded', true],
  [503, 'store_unavailable', true],
  [507, 'no_room', true],
])('a %i is %s, to be repeated: %s', async (status, code, retryable) => {
  const url = await answering((_, response) => {
    response.writeHead(status).end('{"error":"the reason"}');
  });
  await expect(send(url)).rejects.toMatchObject({ code, retryable });
});
