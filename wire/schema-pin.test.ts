import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { z } from 'zod';
import { METRICS } from './metrics.ts';
import { alertRecordSchema } from './records/alert-record.ts';
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
  sha256: 'fb9bf7c72b246a2790e165fd10ee275e0a7024fdcbc40130e70cac6d02e6d761',
};

it('the wire does not change silently', () => {
  const schemas = [
    sampleSchema,
    inventorySchema,
    signalSchema,
    batchAckSchema,
    windowResultSchema,
    alertRecordSchema,
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

it.each([
  ['Window results', windowResultSchema],
  ['Alerts', alertRecordSchema],
])('docs/wire.md, %s: what it shows is such a record, and all of it', (title, schema) => {
  const wire = readFileSync(new URL('../docs/wire.md', import.meta.url), 'utf8');
  const [section = ''] = wire.split(`\n## ${title}\n`).slice(1);
  const [, example = ''] = /```json\n(.+?)\n```/s.exec(section) ?? [];
  // Steps may be more than are shown.
  const record = JSON.parse(example.replace(', …]', ']')) as unknown;
  expect(schema.parse(record)).toEqual(record);
});
