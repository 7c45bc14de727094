/** A collector with one rule and a webhook that hears of it: what breach to notification is measured on. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { alertsYaml, type BenchReceiver, startReceiver } from './alerts-receiver.ts';
import { finished, firstLine, spawnNode } from './programs.ts';

const readyMsMax = 60_000;
const collectorMain = fileURLToPath(new URL('../collector/main.ts', import.meta.url));
const webhookPath = '/windrow';

export interface TellingCollector extends AsyncDisposable {
  readonly url: string;
  /** See `BenchReceiver`, of what this collector told. */
  firstMs(): ReturnType<BenchReceiver['firstMs']>;
  notices(): ReturnType<BenchReceiver['notices']>;
}

export interface TellingOptions {
  /** None: it takes samples directly. */
  readonly brokers: readonly string[];
  /** See `alertsYaml`. */
  readonly rule?: string;
  readonly latenessMs: number;
}

/** Resolves when it takes samples in. */
export async function startTelling(options: TellingOptions): Promise<TellingCollector> {
  const { brokers, rule, latenessMs } = options;
  await using opened = new AsyncDisposableStack();
  const folder = mkdtempSync(join(tmpdir(), 'windrow-bench-'));
  opened.defer(() => rmSync(folder, { recursive: true, force: true }));
  const receiver = await startReceiver();
  opened.defer(() => receiver.close());
  const alerts = join(folder, 'alerts.yaml');
  writeFileSync(alerts, alertsYaml(`${receiver.url}${webhookPath}`, rule));
  const args = ['serve', '--port', '0', '--data', join(folder, 'data')];
  const kafka = brokers.length === 0 ? [] : ['--kafka', brokers.join(',')];
  const windows = { WINDROW_WINDOWS_LATENESS: `${latenessMs / 1_000}s` };
  const env = { ...windows, WINDROW_ALERTS: alerts, WINDROW_LOG: 'warn' };
  const collector = spawnNode([collectorMain, ...args, ...kafka], env);
  opened.defer(async () => {
    collector.kill('SIGTERM');
    await finished(collector);
  });
  const url = (await firstLine(collector)).replace(/^ready /, '');
  await untilReady(url);
  const kept = opened.move();
  return {
    url,
    firstMs: () => receiver.firstMs(webhookPath),
    notices: () => receiver.notices(webhookPath),
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

/** Until it may take samples in: on Kafka the group gives it its share first. */
async function untilReady(url: string): Promise<void> {
  const untilMs = performance.now() + readyMsMax;
  while (!(await fetch(`${url}/readyz`)).ok) {
    if (performance.now() > untilMs) throw new Error('the collector takes nothing in');
    await pause(100);
  }
}
