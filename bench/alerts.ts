/**
 * `bench alerts`: how long after a breach somebody is told. A real collector with 200 live servers,
 * each of which breaches once at a random moment; from the acknowledgment of the batch that
 * completes the breaching window to the webhook's receipt, and from that window's own end
 * (`…AfterEnd…`), the lateness of 5 s that it waits included. Beside it, on the same store in the
 * same run, a peer that evaluates every 10 s, as monitors that poll do.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { AlertLoad, overHttp, SERVERS } from './alerts-load.ts';
import { PollingPeer } from './alerts-peer.ts';
import { alertsYaml, delays, startReceiver } from './alerts-receiver.ts';
import { finished, firstLine, spawnNode } from './programs.ts';
import { type BenchResult, median, quantile, rounded } from './result.ts';

const runs = 3;
const collectorMain = fileURLToPath(new URL('../collector/main.ts', import.meta.url));

interface Measured {
  /** From acknowledgment to receipt, of each server that was told of. */
  readonly windrowMs: readonly number[];
  readonly pollingMs: readonly number[];
  /** From the end of the breaching window to receipt. */
  readonly windrowAfterEndMs: readonly number[];
  readonly pollingAfterEndMs: readonly number[];
}

export async function run(): Promise<BenchResult> {
  const measured: Measured[] = [];
  for (let i = 0; i < runs; i += 1) {
    measured.push(await measure());
    console.log(`run ${i + 1} of ${runs} is done`);
  }
  const figure = (of: keyof Measured, share: number): number =>
    median(measured.map((each) => quantile(each[of], share)));
  const untold = measured.map(({ windrowMs }) => SERVERS - windrowMs.length);
  return {
    bench: 'alerts',
    figures: {
      servers: SERVERS,
      toldMsP50: rounded(figure('windrowMs', 0.5)),
      toldMsP99: rounded(figure('windrowMs', 0.99)),
      pollingMsP50: rounded(figure('pollingMs', 0.5)),
      pollingMsP99: rounded(figure('pollingMs', 0.99)),
      toldAfterEndMsP50: rounded(figure('windrowAfterEndMs', 0.5)),
      toldAfterEndMsP99: rounded(figure('windrowAfterEndMs', 0.99)),
      pollingAfterEndMsP50: rounded(figure('pollingAfterEndMs', 0.5)),
      pollingAfterEndMsP99: rounded(figure('pollingAfterEndMs', 0.99)),
      breachesUntold: Math.max(...untold),
    },
    ratios: {
      pollingToToldP50: rounded(figure('pollingMs', 0.5) / figure('windrowMs', 0.5)),
      pollingToToldP99: rounded(figure('pollingMs', 0.99) / figure('windrowMs', 0.99)),
    },
  };
}

async function measure(): Promise<Measured> {
  const folder = mkdtempSync(join(tmpdir(), 'windrow-bench-'));
  const receiver = await startReceiver();
  const alerts = join(folder, 'alerts.yaml');
  writeFileSync(alerts, alertsYaml(`${receiver.url}/windrow`));
  const data = join(folder, 'data');
  const collector = spawnNode([collectorMain, 'serve', '--port', '0', '--data', data], {
    WINDROW_ALERTS: alerts,
    WINDROW_LOG: 'warn',
  });
  try {
    const url = (await firstLine(collector)).replace(/^ready /, '');
    const peer = new PollingPeer(data, `${receiver.url}/polling`);
    const load = new AlertLoad(overHttp(url));
    await load.run();
    await peer.stop();
    const [completed, ended] = [load.completedMs(), load.endedMs()];
    const [windrow, polling] = [receiver.firstMs('/windrow'), receiver.firstMs('/polling')];
    return {
      windrowMs: delays(windrow, completed),
      pollingMs: delays(polling, completed),
      windrowAfterEndMs: delays(windrow, ended),
      pollingAfterEndMs: delays(polling, ended),
    };
  } finally {
    collector.kill('SIGTERM');
    await finished(collector);
    await receiver.close();
    rmSync(folder, { recursive: true, force: true });
  }
}
