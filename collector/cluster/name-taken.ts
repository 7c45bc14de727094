/**
 * Another collector has our name in the group: a data folder was copied, or is used twice. Whoever
 * came last has it, and we wait until it has gone; taking it back would throw that one out in turn,
 * and so on for ever.
 */
import type { GroupOptions, Log } from '../../wire/transport/log/port.ts';

/** What people can do. @param memberFile where our name is from */
export function nameTakenHint(memberFile: string): string {
  return `Two collectors have the name in ${memberFile}: was that folder copied? Stop one of them, delete that file of it, and start it again. Until the other one has gone this one waits.`;
}

/** Whether the group has a member of that name. @throws WindrowError when nobody can tell */
export async function isNameTaken(
  source: Pick<Log, 'admin'>,
  group: Pick<GroupOptions, 'group' | 'member'>,
  signal: AbortSignal,
): Promise<boolean> {
  const admin = source.admin();
  try {
    return await admin.hasMember(group, signal);
  } finally {
    await admin.close();
  }
}
