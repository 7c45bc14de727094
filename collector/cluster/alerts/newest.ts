/** The newest word on an alert that was read: what waits for the commit is newer than the store. */
import type { DatabaseSync } from 'node:sqlite';
import type { AlertKey, AlertRecordOnWire } from '../../../wire/records/alert-record.ts';
import type { Group } from '../../store/group.ts';
import { sharedAlert, sharedAlertsAbout } from '../../store/shared-alerts.ts';
import { hasWaiting, withOutcomesOf } from './entry.ts';
import { keyOf } from './forms.ts';

export interface Read {
  readonly db: DatabaseSync;
  /** What waits for the next commit. */
  readonly group: () => Group;
}

/**
 * Who has a higher term says how an alert stands. But a former owner may have judged more of it than
 * who replaced it, which stood still: that would be judged by nobody again, so what waits of it would
 * be told by nobody. Then the alert stands as the former owner had it, at its owner.
 * @param before by that key, of a lower term or a higher one, or of the same before `record`
 */
export function newerOf(before: AlertRecordOnWire, record: AlertRecordOnWire): AlertRecordOnWire {
  const isReplaced = record.owner.term < before.owner.term;
  const [owners, former] = isReplaced ? [before, record] : [record, before];
  const isBehind =
    owners.owner.term > former.owner.term &&
    owners.id === former.id &&
    owners.active !== null &&
    owners.at_ms < former.at_ms;
  if (!isBehind || !hasWaiting(former)) return owners;
  const { slot, released, owner } = owners;
  return { ...former, ...withOutcomesOf(former, owners.notices), slot, released, owner };
}

export function newestAlert({ db, group }: Read, key: AlertKey): AlertRecordOnWire | undefined {
  const waiting = group().sharedAlerts.get(keyOf(key));
  if (waiting !== undefined) return waiting.record ?? undefined;
  return sharedAlert(db, key.rule, key.server);
}

/** Of each rule. */
export function newestAlertsAbout(read: Read, server: string): AlertRecordOnWire[] {
  const waiting = [...read.group().sharedAlerts.values()].filter((each) => each.server === server);
  const keys: AlertKey[] = [...sharedAlertsAbout(read.db, server), ...waiting];
  const byKey = new Map(keys.map((key) => [keyOf(key), key]));
  return [...byKey.values()].flatMap((key) => newestAlert(read, key) ?? []);
}
