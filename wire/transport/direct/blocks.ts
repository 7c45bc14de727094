/**
 * The direct transport's sending end for blocks: a request a chunk, of a block one at a time.
 *
 *   POST /v1/blocks/chunks   content-type: application/octet-stream   windrow-chunk: {JSON}
 *   → 200 {next_chunk, ack?}   taken; the block's end, or a block that is there, with its acknowledgment
 *   → 409 {next_chunk}         what comes before is missing: begin again from there
 *   → 400, 413 this chunk never | 429, 503, 507 later
 */
import { chunkAnswerSchema } from '../../records/block-ack.ts';
import { CHUNK_HEADER, encodeChunkHeader } from '../../records/block-chunk.ts';
import type { BlockCarrier, OutgoingChunk, Taken } from '../block-port.ts';
import { type DirectClientOptions, DirectClient, notACollector } from './client.ts';

/** As many as there are blocks that a sender reads at once. */
const connectionsMax = 12;
/** A block of 1 GiB is on a slow disk for good after this, with others that end at the same time. */
const answerMsMax = 120_000;

/** Names and values by turns; the last value is the chunk's. */
const chunkHeaders = ['content-type', 'application/octet-stream', CHUNK_HEADER] as const;

export class DirectBlockCarrier implements BlockCarrier {
  readonly target: string;
  readonly #client: DirectClient;

  constructor(options: Pick<DirectClientOptions, 'url' | 'token' | 'ca'>) {
    this.target = options.url;
    this.#client = new DirectClient({ ...options, connectionsMax, answerMsMax });
  }

  async send({ record, payload }: OutgoingChunk, signal: AbortSignal): Promise<Taken> {
    const answer = await this.#client.request({
      method: 'POST',
      path: '/v1/blocks/chunks',
      headers: [...chunkHeaders, encodeChunkHeader(record)],
      body: Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength),
      signal,
    });
    const taken = [200, 409].includes(answer.status) ? takenIn(answer.body) : undefined;
    if (taken !== undefined) return taken;
    throw answer.status === 200 ? notACollector(this.target) : this.#client.rejection(answer);
  }

  close(): Promise<void> {
    return this.#client.close();
  }
}

/** Undefined for what no receiver of blocks answers. */
function takenIn(body: string): Taken | undefined {
  let answer: unknown;
  try {
    answer = JSON.parse(body);
  } catch {
    return undefined;
  }
  const { data } = chunkAnswerSchema.safeParse(answer);
  return data === undefined ? undefined : { nextChunk: data.next_chunk, ack: data.ack };
}
