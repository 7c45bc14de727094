/** Sends chunks to a collector as a sender does, one request each, without any of its code. */
import type { IncomingChunk } from '../../blocks/receiving/receiver.ts';
import { chunksOf, type MadeFile } from '../../blocks/receiving/testing/made-file.ts';
import { type ChunkAnswer, chunkAnswerSchema } from '../../wire/records/block-ack.ts';
import { CHUNK_HEADER, encodeChunkHeader } from '../../wire/records/block-chunk.ts';

export interface Answered extends Partial<ChunkAnswer> {
  readonly status: number;
}

export async function postChunk(
  url: string,
  { chunk, payload }: Pick<IncomingChunk, 'chunk' | 'payload'>,
): Promise<Answered> {
  const response = await fetch(`${url}/v1/blocks/chunks`, {
    method: 'POST',
    headers: {
      'content-type': 'application/octet-stream',
      [CHUNK_HEADER]: encodeChunkHeader(chunk),
    },
    body: Uint8Array.from(payload),
  });
  const body: unknown = await response.json();
  const isAnswer = response.status === 200 || response.status === 409;
  return { status: response.status, ...(isAnswer ? chunkAnswerSchema.parse(body) : {}) };
}

/**
 * From the chunk that is wanted on, until the block is acknowledged or a chunk is refused.
 * @param prepare what is made of each chunk before it is sent
 */
export async function sendBlock(
  url: string,
  file: MadeFile,
  block: number,
  prepare = (chunk: IncomingChunk): IncomingChunk => chunk,
): Promise<Answered> {
  const chunks = chunksOf(file, block);
  let answered: Answered = { status: 200, next_chunk: 0 };
  while (answered.ack === undefined) {
    const chunk = chunks[answered.next_chunk ?? -1];
    if (chunk === undefined) return answered;
    answered = await postChunk(url, prepare(chunk));
  }
  return answered;
}
