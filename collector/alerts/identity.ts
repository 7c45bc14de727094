/** By what alerts are told apart. */
import { createHash } from 'node:crypto';

const idHexDigits = 16;

/** An alert is one breach: a rule, its subject ('' for the fleet), and when the breach began. */
export function alertId(rule: string, server: string, startsAtMs: number): string {
  return hash(`${rule}|${server}|${startsAtMs}`);
}

/** What stays the same from one breach to the next: the first 64 bits of SHA-256 over the labels by name. */
export function fingerprintOf(labels: Readonly<Record<string, string>>): string {
  const sorted = Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1));
  return hash(JSON.stringify(sorted));
}

function hash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, idHexDigits);
}
