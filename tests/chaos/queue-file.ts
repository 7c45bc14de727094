/** The queue file of an agent: what waits in it, and damage as a failing disk or a power loss does it. */
import { existsSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { summarize } from '../../agent/outbox/summary.ts';
import { outboxPath } from '../../agent/outbox/place.ts';
import { walPathOf } from '../../runtime/queue/damage.ts';

/** Records of all starts that wait. */
export function recordsWaiting(dataDir: string): number {
  return summarize(dataDir).boots.reduce((sum, { waiting }) => sum + waiting.items, 0);
}

export const DAMAGES = ['truncated', 'flipped', 'zeroed', 'garbage'] as const;
export type Damage = (typeof DAMAGES)[number];

const pageBytes = 4_096;

/** While the agent is dead. @param place where in the file, from 0 to 1 */
export function damageQueue(
  dataDir: string,
  {
    damage,
    place,
    wal,
  }: { readonly damage: Damage; readonly place: number; readonly wal: boolean },
): void {
  const file = outboxPath(dataDir);
  const path = wal ? walPathOf(file) : file;
  if (!existsSync(path)) return;
  const at = Math.floor(place * statSync(path).size);
  if (damage === 'truncated') truncateSync(path, at);
  else writeFileSync(path, damaged(readFileSync(path), { damage, at }));
}

function damaged(bytes: Buffer, { damage, at }: { damage: Damage; at: number }): Buffer {
  if (damage === 'flipped') bytes[at] = (bytes[at] ?? 0) ^ 0b100;
  else bytes.fill(damage === 'zeroed' ? 0 : 'garbage', at, Math.min(at + pageBytes, bytes.length));
  return bytes;
}
