/** Files in blocks, chunk by chunk: what a sender asks, and what it is told. See docs/wire.md. */
import type { Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import type { FastifyPluginCallback, FastifyReply, FastifyRequest } from 'fastify';
import type { PayloadBuffers } from '../../blocks/receiving/payload-buffers.ts';
import { type BlockReceiver, chunksMax } from '../../blocks/receiving/receiver.ts';
import { WindrowError } from '../../runtime/errors.ts';
import { release } from '../../runtime/release.ts';
import { rawChunkBytes } from '../../wire/limits.ts';
import type { ChunkAnswer } from '../../wire/records/block-ack.ts';
import { CHUNK_HEADER, decodeChunk } from '../../wire/records/block-chunk.ts';
import { refuse } from '../../wire/transport/direct/server.ts';

const busyRetryMs = 1_000;
const takesNoFiles = 'this collector takes no files (blocks.enabled is false)';

export interface BlockRoutesOptions {
  /** Undefined: this collector takes no files. */
  readonly receiver: BlockReceiver | undefined;
}

export const blockRoutes: FastifyPluginCallback<BlockRoutesOptions> = (
  server,
  { receiver },
  done,
) => {
  /** Requests whose bodies are being read, or whose chunks are being taken. */
  let inHand = 0;
  server.addContentTypeParser(
    'application/octet-stream',
    (_request: FastifyRequest, body: Readable) =>
      receiver === undefined ? Promise.resolve() : readPayload(body, receiver.buffers),
  );
  server.addHook('preParsing', async (_request, reply, body) => {
    if (receiver === undefined) {
      return refuseUnread(reply, body, new WindrowError('refused', takesNoFiles));
    }
    // Before the body is kept: many at once would fill the memory.
    if (inHand >= chunksMax || receiver.isBusy) {
      const details = { retryable: true, retryAfterMs: busyRetryMs };
      return refuseUnread(
        reply,
        body,
        new WindrowError('overloaded', 'too many chunks at once', details),
      );
    }
    inHand += 1;
    reply.raw.once('close', () => {
      inHand -= 1;
    });
    return body;
  });
  server.post('/v1/blocks/chunks', async (request, reply) => {
    const payload: unknown = request.body;
    if (receiver === undefined || !(payload instanceof Uint8Array)) {
      return reply.code(415).send({ error: 'no chunk' });
    }
    try {
      const header = request.headers[CHUNK_HEADER];
      const decoded = decodeChunk({
        header: typeof header === 'string' ? header : undefined,
        payloadBytes: payload.length,
      });
      if (decoded.kind === 'malformed')
        return await reply.code(400).send({ error: decoded.reason });
      const { chunk } = decoded;
      const { nextChunk, ack } = await receiver.take({ chunk, payload });
      const answer: ChunkAnswer = { next_chunk: nextChunk, ...(ack === undefined ? {} : { ack }) };
      const isTaken = ack !== undefined || nextChunk > chunk.chunk;
      return await reply.code(isTaken ? 200 : 409).send(answer);
    } catch (error) {
      return refuse(reply, error);
    } finally {
      // Where no thread has taken it.
      receiver.buffers.giveBack(payload.buffer as ArrayBuffer);
    }
  });
  done();
};

/** Into memory that is used again. @throws an error with `statusCode` when it is too long, or breaks off */
async function readPayload(body: Readable, buffers: PayloadBuffers): Promise<Uint8Array> {
  const buffer = buffers.lend();
  const payload = new Uint8Array(buffer);
  let bytes = 0;
  // Piece by piece: an iteration over the body would copy together those that wait.
  body.on('data', (piece: Buffer) => {
    // What is too long is read to its end, or its sender would not hear why.
    if (bytes + piece.length <= payload.length) payload.set(piece, bytes);
    bytes += piece.length;
    release(piece);
  });
  try {
    await finished(body);
    if (bytes > payload.length) throw tooLarge();
    return payload.subarray(0, bytes);
  } catch (error) {
    buffers.giveBack(buffer);
    throw error;
  }
}

function tooLarge(): Error {
  const message = `a payload has at most ${rawChunkBytes} bytes`;
  return Object.assign(new Error(message), { statusCode: 413 });
}

/** Lets the body go by first: a sender that is cut off in the midst of it would not hear why. */
async function refuseUnread(reply: FastifyReply, body: Readable, error: WindrowError) {
  body.resume();
  // Who goes away meanwhile hears nothing anyway.
  await finished(body).catch(() => {});
  return refuse(reply, error);
}
