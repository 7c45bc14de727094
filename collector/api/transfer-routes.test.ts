import { expect, it } from 'vitest';
import { TransferMonitor } from '../../blocks/monitor.ts';
import { receiverRig } from '../../blocks/receiving/testing/rig.ts';
import { DirectClient } from '../../wire/transport/direct/client.ts';
import type { TransfersView } from './contract.ts';
import { serve } from './testing/served.ts';

/** As `windrow-collector monitor` asks. */
async function listed(monitor: TransferMonitor, limit: number): Promise<TransfersView> {
  const { url } = await serve({ receiving: { receiver: receiverRig().receiver, monitor } });
  const client = new DirectClient({ url });
  const { signal } = new AbortController();
  const path = `/api/transfers?limit=${limit}`;
  const { status, body } = await client.request({ method: 'GET', path, signal });
  await client.close();
  expect(status).toBe(200);
  return JSON.parse(body) as TransfersView;
}

it('an answer with a limit is read whole, whatever names senders choose and however many they are', async () => {
  const monitor = new TransferMonitor();
  const nowMs = Date.now();
  for (let no = 0; no < 450; no += 1) {
    monitor.acknowledged(
      {
        file_name: '\u0001'.repeat(1_024),
        block_number: 0,
        machine_id: `${no} ${'ж'.repeat(120)}`,
        success: no % 2 === 0,
        timestamp: nowMs / 1_000,
        transfer_id: String(no).padStart(32, '0'),
        sender: `${no} ${'"'.repeat(120)}`,
        reason: '\\'.repeat(200),
      },
      nowMs,
    );
  }
  const { machines, transfers, totals } = await listed(monitor, 200);
  expect(totals).toMatchObject({ transfers: 450, machines: 900, failures: 225 });
  expect(machines.length).toBeGreaterThan(20);
  expect(transfers.length).toBeGreaterThanOrEqual(5);
});

it('of names as people have them as many are listed as were asked for', async () => {
  const monitor = new TransferMonitor();
  for (let no = 0; no < 45; no += 1) {
    const transfer_id = String(no).padStart(32, '0');
    const ack = { file_name: `log-${no}.txt`, machine_id: `node-${no}`, transfer_id };
    monitor.acknowledged({ ...ack, block_number: 0, success: true, timestamp: 1 }, Date.now());
  }
  const { machines, transfers } = await listed(monitor, 40);
  expect([machines.length, transfers.length]).toEqual([40, 40]);
});

it.each(['0', '201', '1.5', 'all'])('a limit of %s is refused', async (limit) => {
  const { url } = await serve();
  expect((await fetch(`${url}/api/transfers?limit=${limit}`)).status).toBe(400);
});
