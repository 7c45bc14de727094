/** What of the group that waits for a commit is new: a commit that failed is tried again with the same group. */
import { type AlertNotice, noticeMark } from '../../alerts/alert.ts';
import type { Group } from '../../store/group.ts';

export interface NewNotice {
  readonly lane: string;
  readonly notice: AlertNotice;
}

export class FirstSeen {
  readonly #seen = new WeakSet<object>();

  /** True once for each. */
  isNew(of: object): boolean {
    const isNew = !this.#seen.has(of);
    this.#seen.add(of);
    return isNew;
  }

  /** Of transitions that are taken in now, by `noticeMark`. */
  notices({ notices }: Pick<Group, 'notices'>): Map<string, NewNotice[]> {
    const byMark = new Map<string, NewNotice[]>();
    for (const item of notices) {
      if (!this.isNew(item)) continue;
      const notice = JSON.parse(item.body) as AlertNotice;
      const mark = noticeMark(notice);
      byMark.set(mark, [...(byMark.get(mark) ?? []), { lane: item.lane, notice }]);
    }
    return byMark;
  }
}
