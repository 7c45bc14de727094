/** Finds the format of a record: by its topic, and without one by its value's shape. */
import { decodeSeedA, looksLikeSeedA } from '../compat/seed-a.ts';
import { SEED_A_TOPICS } from '../compat/seed-a-format.ts';
import { decodeSeedB, looksLikeSeedB, SEED_B_TOPIC } from '../compat/seed-b.ts';
import type { Decoded, Decoder } from './decoded.ts';
import { decodeInventory, decodeOwn } from './own.ts';
import { INVENTORY_TOPIC, type RawRecord, SAMPLES_TOPIC } from './record.ts';

const BY_TOPIC: ReadonlyMap<string, Decoder> = new Map([
  [SAMPLES_TOPIC, decodeOwn],
  [INVENTORY_TOPIC, decodeInventory],
  [SEED_B_TOPIC, decodeSeedB],
  ...SEED_A_TOPICS.map((topic) => [topic, decodeSeedA] as const),
]);

/** Never throws: what is no record of any format is `malformed`, with the reason. */
export function decodeRecord(record: RawRecord, receivedMs: number): Decoded {
  const { value, topic } = record;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return { kind: 'malformed', reason: 'value is not a JSON object' };
  }
  const decoder = topic === undefined ? byShape(value) : BY_TOPIC.get(topic);
  if (decoder === undefined) {
    const reason = topic === undefined ? 'value has no known shape' : 'topic is not known';
    return { kind: 'malformed', reason };
  }
  return decoder(record, receivedMs);
}

function byShape(value: object): Decoder | undefined {
  if (looksLikeSeedA(value)) return decodeSeedA;
  if (looksLikeSeedB(value)) return decodeSeedB;
  if ('facts' in value) return decodeInventory;
  return 'v' in value ? decodeOwn : undefined;
}
