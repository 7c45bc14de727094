/** The newest word on an alert that was read: what waits for the commit is newer than the store. */
import type { DatabaseSync } from 'node:sqlite';
import type { AlertKey, AlertRecordOnWire } from '../../../wire/records/alert-record.ts';
import type { Group } from '../../store/group.ts';
import { sharedAlert, sharedAlertsAbout } from '../../store/shared-alerts.ts';
import { keyOf } from './forms.ts';

export interface Read {
  readonly db: DatabaseSync;
  /** What waits for the next commit. */
  readonly group: () => Group;
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
