import { createHash } from 'node:crypto';
import { expect, it } from 'vitest';
import { z } from 'zod';
import { METRICS } from './metrics.ts';
import { batchAckSchema } from './records/batch-schema.ts';
import { blockAckSchema, chunkAnswerSchema } from './records/block-ack.ts';
import { blockChunkSchema } from './records/block-chunk.ts';
import { inventorySchema } from './records/inventory.ts';
import { processingStatusSchema } from './records/processing-status.ts';
import { sampleSchema } from './records/sample.ts';
import { signalSchema } from './records/signal.ts';
import { windowResultSchema } from './records/window-result.ts';
import { WIRE_VERSION } from './version.ts';

/**
 * Hash of what version 1 of the wire is. When this fails, a schema changed: a new optional field
 * is allowed within a version (readers ignore what they do not know), and then only this hash and
 * docs/wire.md change; anything else needs a new WIRE_VERSION.
 */
const PINNED = {
  version: 1,
  sha256: 'cf1710145c746bd08f35de868075fb9ab979d99988f2a9f428e30d97325db7bd',
};

it('the wire does not change silently', () => {
  const schemas = [
    sampleSchema,
    inventorySchema,
    signalSchema,
    batchAckSchema,
    windowResultSchema,
    blockChunkSchema,
    blockAckSchema,
    chunkAnswerSchema,
    processingStatusSchema,
  ];
  const described = schemas.map((schema) => z.toJSONSchema(schema, { unrepresentable: 'any' }));
  const text = JSON.stringify({ metrics: METRICS, described });
  const sha256 = createHash('sha256').update(text).digest('hex');
  expect({ version: WIRE_VERSION, sha256 }).toEqual(PINNED);
});
