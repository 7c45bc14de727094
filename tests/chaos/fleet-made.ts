/** Windows of the fleet come some time after those of the servers. */
import { expect } from 'vitest';
import { openForReading } from '../../collector/store/database.ts';
import { eventually } from '../support/http.ts';

/** Waits until the collector that works in the folder owes none: after the goodbyes nobody holds them up. */
export async function fleetMade(dataDir: string, waitMsMax: number): Promise<void> {
  const db = openForReading(dataDir);
  try {
    const owed = db.prepare('SELECT count(*) AS windows FROM fleet_pending');
    await eventually(async () => expect(owed.get()).toEqual({ windows: 0 }), waitMsMax);
  } finally {
    db.close();
  }
}
