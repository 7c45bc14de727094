import { expect, it } from 'vitest';
import { allowHint } from './words.ts';

it.each([
  [['Read on topic t'], 'Allow Read on topic t to this user at the brokers (kafka-acls.sh --add).'],
  [
    ['Create on topic t'],
    'Allow Create on topic t to this user at the brokers (kafka-acls.sh --add), or make the topic by hand.',
  ],
  [
    ['it', 'alice'],
    'Allow it to this user at the brokers (kafka-acls.sh --add --allow-principal User:alice).',
  ],
] as const)('what mends a missing right: %j', ([right, user], hint) => {
  expect(allowHint(right, user)).toBe(hint);
});
