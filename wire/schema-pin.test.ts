import { createHash } from 'node:crypto';
import { expect, it } from 'vitest';
import { z } from 'zod';
import { METRICS } from './metrics.ts';
import { batchAckSchema } from './records/batch.ts';
import { inventorySchema } from './records/inventory.ts';
import { sampleSchema } from './records/sample.ts';
import { signalSchema } from './records/signal.ts';
import { WIRE_VERSION } from './version.ts';

/**
 * Hash of what version 1 of the wire is. When this fails, a schema changed: a new optional field
 * is allowed within a version (readers ignore what they do not know), and then only this hash and
 * docs/wire.md change; anything else needs a new WIRE_VERSION.
 */
const PINNED = {
  version: 1,
  sha256: '08f85eae639109d61ad0b87ac559c17c97e838d39ffef5b4a45eb83d84ab3bea',
};

it('the wire does not change silently', () => {
  const schemas = [sampleSchema, inventorySchema, signalSchema, batchAckSchema];
  const described = schemas.map((schema) => z.toJSONSchema(schema, { unrepresentable: 'any' }));
  const text = JSON.stringify({ metrics: METRICS, described });
  const sha256 = createHash('sha256').update(text).digest('hex');
  expect({ version: WIRE_VERSION, sha256 }).toEqual(PINNED);
});
