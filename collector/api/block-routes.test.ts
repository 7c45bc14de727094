import { describe, expect, it } from 'vitest';
import { TransferMonitor } from '../../blocks/monitor.ts';
import { chunksMax, type IncomingChunk } from '../../blocks/receiving/receiver.ts';
import { chunksOf, contentOf, madeFile, mib } from '../../blocks/receiving/testing/made-file.ts';
import { receiverRig } from '../../blocks/receiving/testing/rig.ts';
import type { ReceiverOptions } from '../../blocks/receiving/port.ts';
import { CHUNK_HEADER, encodeChunkHeader } from '../../wire/records/block-chunk.ts';
import { chunkAnswerSchema } from '../../wire/records/block-ack.ts';
import { serve, type Served } from './testing/served.ts';

const file = madeFile({ content: contentOf(mib + 500) });

async function receivingRig(changes: Partial<ReceiverOptions> = {}) {
  const monitor = new TransferMonitor({ machineId: 'node-1', engine: 'openssl' });
  const { receiver, folder, clock } = receiverRig({
    observer: {
      arrived: (chunk, bytes) => monitor.arrived(chunk, bytes, Date.now()),
      acknowledged: (ack) => monitor.acknowledged(ack, Date.now()),
    },
    ...changes,
  });
  const served = await serve({ receiving: { receiver, monitor } });
  return { ...served, receiver, folder, monitor, clock };
}

function post({ url }: Pick<Served, 'url'>, { chunk, payload }: IncomingChunk, headers = {}) {
  return fetch(`${url}/v1/blocks/chunks`, {
    method: 'POST',
    headers: {
      'content-type': 'application/octet-stream',
      [CHUNK_HEADER]: encodeChunkHeader(chunk),
      ...headers,
    },
    body: Uint8Array.from(payload),
  });
}

function chunk(block: number, no: number): IncomingChunk {
  const found = chunksOf(file, block)[no];
  if (found === undefined) throw new Error('no such chunk');
  return found;
}

describe('a chunk over HTTP', () => {
  it('is taken, and the last one answered with what became of the block', async () => {
    const rig = await receivingRig();
    const first = await post(rig, chunk(0, 0));
    expect([first.status, await first.json()]).toEqual([200, { next_chunk: 1 }]);
    const last = await post(rig, chunk(0, 1));
    const answer = chunkAnswerSchema.parse(await last.json());
    expect(answer).toMatchObject({ next_chunk: 2, ack: { success: true, block_number: 0 } });
    const again = await post(rig, chunk(0, 0));
    expect([again.status, await again.json()]).toMatchObject([200, { ack: { duplicate: true } }]);
  });

  it('that is beyond what is there is answered 409 with the one that is wanted', async () => {
    const rig = await receivingRig();
    const beyond = await post(rig, chunk(0, 1));
    expect([beyond.status, await beyond.json()]).toEqual([409, { next_chunk: 0 }]);
  });

  it('of a block that failed is answered 200 with the reason', async () => {
    const rig = await receivingRig();
    const broken = chunk(1, 0);
    broken.payload[0] = (broken.payload[0] ?? 0) ^ 1;
    const answer = await post(rig, broken);
    expect([answer.status, await answer.json()]).toMatchObject([
      200,
      { next_chunk: 0, ack: { success: false, reason: 'the checksum of a chunk is another' } },
    ]);
  });

  it('with the longest name fits the server’s headers', async () => {
    const rig = await receivingRig();
    const name = 'ж'.repeat(127);
    const [named] = chunksOf(madeFile({ path: `${'ж/'.repeat(1_200)}${name}` }), 0);
    if (named === undefined) throw new Error('no chunk');
    expect((await post(rig, named)).status).toBe(200);
  });

  it.each([
    ['no header', { [CHUNK_HEADER]: '' }, 400],
    ['a header that is none', { [CHUNK_HEADER]: '{"v":1}' }, 400],
    ['another type', { 'content-type': 'text/plain' }, 415],
  ])('with %s is refused', async (_, headers, status) => {
    const rig = await receivingRig();
    expect((await post(rig, chunk(0, 0), headers)).status).toBe(status);
  });

  it('that is too large is refused while it comes', async () => {
    const rig = await receivingRig();
    const large = { ...chunk(0, 0), payload: new Uint8Array(2 * mib) };
    expect((await post(rig, large)).status).toBe(413);
  });

  it('without room is answered 507 with the time to wait, and changes nothing', async () => {
    const rig = await receivingRig({ quotaBytes: mib });
    await post(rig, chunk(1, 0));
    const answer = await post(rig, chunk(0, 0));
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([507, '60']);
    expect(await answer.json()).toEqual({
      error: `the quota of received files is used up (${mib} bytes)`,
    });
  });

  it('comes with too many others: refused before it is read, and taken later', async () => {
    const rig = await receivingRig();
    const controller = new AbortController();
    // Bodies that never end.
    const stuck = Array.from({ length: chunksMax }, () => {
      const body = new ReadableStream({ start: (stream) => stream.enqueue(new Uint8Array(10)) });
      const headers = { 'content-type': 'application/octet-stream' };
      const init = { method: 'POST', headers, body, duplex: 'half', signal: controller.signal };
      return fetch(`${rig.url}/v1/blocks/chunks`, init as RequestInit).catch(() => {});
    });
    await expect.poll(async () => (await post(rig, chunk(0, 0))).status).toBe(429);
    controller.abort();
    await Promise.all(stuck);
    await expect.poll(async () => (await post(rig, chunk(0, 0))).status).toBe(200);
  });

  it('needs a token where batches do', async () => {
    const { receiver } = receiverRig();
    const receiving = { receiver, monitor: new TransferMonitor() };
    const served = await serve({ guarded: true, receiving });
    expect((await post(served, chunk(1, 0))).status).toBe(401);
    const token = served.files.createToken('desk-12', Date.now());
    const authorization = `Bearer ${token}`;
    expect((await post(served, chunk(1, 0), { authorization })).status).toBe(200);
  });

  it('is refused for good where no files are taken', async () => {
    const answer = await post(await serve(), chunk(0, 0));
    expect([answer.status, await answer.json()]).toEqual([
      400,
      { error: 'this collector takes no files (blocks.enabled is false)' },
    ]);
  });
});

it('the page is told of transfers', async () => {
  const rig = await receivingRig();
  await post(rig, chunk(1, 0));
  const answer = await fetch(`${rig.url}/api/transfers`);
  expect(await answer.json()).toMatchObject({
    machines: [
      { machine_id: 'desk-12', role: 'sender', active: true, blocks: 1, bytes: 500 },
      { machine_id: 'node-1', role: 'receiver', engine: 'openssl', blocks: 1, bytes: 500 },
    ],
    transfers: [{ file_name: 'log.txt', sender: 'desk-12', blocks: 1, total_blocks: 2 }],
  });
});
