/**
 * Another collector has our name in the group: a data folder was copied, or is used twice. Whoever
 * came last has it, and we wait until it has gone; taking it back would throw that one out in turn,
 * and so on for ever.
 */
import { pause } from '../../runtime/lifecycle.ts';
import type { GroupOptions, Log } from '../../wire/transport/log/port.ts';

/** How often it is looked for. */
const lookEveryMs = 5_000;

/** What people can do. @param memberFile where our name is from */
export function nameTakenHint(memberFile: string): string {
  return `Two collectors have the name in ${memberFile}: was that folder copied? Stop one of them, delete that file of it, and start it again. Until the other one has gone this one waits.`;
}

/** Resolves when the group has no member of the name any longer. Never rejects. */
export async function nameFree(
  source: Pick<Log, 'admin'>,
  group: Pick<GroupOptions, 'group' | 'member'>,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted && (await isTaken(source, group, signal))) {
    await pause(lookEveryMs, signal);
  }
}

async function isTaken(
  source: Pick<Log, 'admin'>,
  group: Pick<GroupOptions, 'group' | 'member'>,
  signal: AbortSignal,
): Promise<boolean> {
  const admin = source.admin();
  try {
    return await admin.hasMember(group, signal);
  } catch {
    // The brokers are away, for the other one too.
    return true;
  } finally {
    await admin.close();
  }
}
