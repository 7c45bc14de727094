/** Another member took our name in a group. */
import { WindrowError } from '../../../runtime/errors.ts';
import type { GroupOptions } from './port.ts';

export class MemberReplaced extends WindrowError {
  constructor({ group, member }: Pick<GroupOptions, 'group' | 'member'>, cause?: unknown) {
    super('config', `another member of group ${group} is called ${member}`, { cause });
  }
}
