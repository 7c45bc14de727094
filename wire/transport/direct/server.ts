/** The direct transport's receiving end, as a fastify plugin. See client.ts for the exchange. */
import type { FastifyPluginCallback, FastifyReply } from 'fastify';
import { promisify } from 'node:util';
import { gunzip, gunzipSync } from 'node:zlib';
import { systemCodeOf, WindrowError } from '../../../runtime/errors.ts';
import { bodyBytesMax, bodyDecodedBytesMax } from '../../limits.ts';
import { BatchFormatError, decodeBatch, NewerBatchError } from '../../records/batch-decode.ts';
import type { BatchReceiver } from '../port.ts';
import { statusOf } from './status.ts';

const gunzipInPool = promisify(gunzip);
/** Below this a trip to the thread pool costs more than decompressing here. */
const gunzipHereBytesMax = 16 * 1024;
/** What a sender is told to wait when the receiver does not say how long. */
const retryAfterMsDefault = 1_000;

export const directServer: FastifyPluginCallback<{ receive: BatchReceiver }> = (
  server,
  { receive },
  done,
) => {
  server.addContentTypeParser(
    'application/x-ndjson',
    { parseAs: 'buffer', bodyLimit: bodyBytesMax },
    (_request, body, parsed) => parsed(null, body),
  );
  server.post('/v1/batches', async (request, reply) => {
    try {
      if (!Buffer.isBuffer(request.body)) return await reply.code(415).send({ error: 'no batch' });
      const text = await inflate(request.body, request.headers['content-encoding']);
      return await receive(decodeBatch(text), { remote: request.ip });
    } catch (error) {
      return refuse(reply, error);
    }
  });
  done();
};

async function inflate(body: Buffer, encoding: string | undefined): Promise<string> {
  if (encoding === undefined || encoding === 'identity') return body.toString('utf8');
  if (encoding !== 'gzip') throw new BatchFormatError('content-encoding is neither gzip nor none');
  const limits = { maxOutputLength: bodyDecodedBytesMax };
  try {
    const plain =
      body.length <= gunzipHereBytesMax
        ? gunzipSync(body, limits)
        : await gunzipInPool(body, limits);
    return plain.toString('utf8');
  } catch (error) {
    const reason =
      systemCodeOf(error) === 'ERR_BUFFER_TOO_LARGE'
        ? `batch larger than ${bodyDecodedBytesMax} bytes once decompressed`
        : 'body is not gzip';
    throw new BatchFormatError(reason);
  }
}

/** Answers what a sender can understand. @throws whatever else it was */
export function refuse(reply: FastifyReply, error: unknown): FastifyReply {
  if (error instanceof NewerBatchError) return reply.code(426).send({ error: error.message });
  if (error instanceof BatchFormatError) return reply.code(400).send({ error: error.message });
  if (!(error instanceof WindrowError)) throw error;
  if (error.retryable) {
    reply.header('retry-after', Math.ceil((error.retryAfterMs ?? retryAfterMsDefault) / 1_000));
  }
  return reply.code(statusOf(error)).send({ error: error.message });
}
