/** The real agent, measuring this machine, through the outages that people will have. */
import { describe, expect, it } from 'vitest';
import { openForReading } from '../../collector/store/database.ts';
import { type StoredSample, storedSamples } from '../../collector/store/history.ts';
import { timestampMsMax } from '../../wire/limits.ts';
import { eventually } from '../support/http.ts';
import { run, startCollector, tempDir } from '../support/programs.ts';
import { openScene, type Scene } from './scene.ts';
import { collectorEnv } from './settings.ts';
import { uninterruptedWindows } from './uninterrupted.ts';

/** Two minutes: more than the newest that go first, so that a backlog comes behind them. */
const longOutageRecords = 120;
const sceneMsMax = 480_000;

const SCENES: readonly (readonly [string, (scene: Scene) => Promise<void>])[] = [
  [
    'the agent killed and started again midway',
    async (scene) => {
      await scene.killAgent();
      await scene.startAgent();
    },
  ],
  [
    'the collector killed and started again midway',
    async (scene) => {
      await scene.killCollector();
      await scene.waits(8);
      await scene.startCollector();
    },
  ],
  [
    'the network cut three times, once for long',
    async (scene) => {
      for (const records of [6, longOutageRecords, 10]) {
        scene.link.cut();
        await scene.waits(records);
        scene.link.heal();
        await scene.storesMore(records);
      }
    },
  ],
  [
    'the network cut, and both killed and started again meanwhile',
    async (scene) => {
      scene.link.cut();
      await scene.waits(longOutageRecords);
      await Promise.all([scene.killAgent(), scene.killCollector()]);
      await Promise.all([scene.startAgent(), scene.startCollector()]);
      await scene.waits(longOutageRecords + 4);
      scene.link.heal();
      await scene.waits(1);
      await Promise.all([scene.killAgent(), scene.killCollector()]);
      await Promise.all([scene.startAgent(), scene.startCollector()]);
    },
  ],
];

function samplesIn(dataDir: string): StoredSample[] {
  const db = openForReading(dataDir);
  const samples = [...storedSamples(db, { fromMs: 0, toMs: timestampMsMax })];
  db.close();
  return samples;
}

interface ExportedWindow {
  readonly window_end: string;
}
interface ExportedServerWindow extends ExportedWindow {
  readonly server_id: string;
  readonly final: 0 | 1;
}

async function exported<T>(dataDir: string, ...options: readonly string[]): Promise<T[]> {
  const args = ['export', 'windows', '--format', 'json', '--data', dataDir, ...options];
  const { stdout, stderr } = await run('collector', args);
  expect(stderr).toBe('');
  return JSON.parse(stdout) as T[];
}

/** What `export windows` has that will not change any more. */
async function finalWindows(dataDir: string): Promise<ExportedServerWindow[]> {
  const rows = await exported<ExportedServerWindow>(dataDir);
  return rows.filter(({ final }) => final === 1);
}

/** The same of `export windows --fleet`: the windows through which those of all servers are final. */
async function finalFleet(dataDir: string): Promise<ExportedWindow[]> {
  const byServer = Map.groupBy(await finalWindows(dataDir), ({ server_id }) => server_id);
  const ends = [...byServer.values()].map((own) => own.at(-1)?.window_end ?? '');
  const through = ends.sort()[0] ?? '';
  const rows = await exported<ExportedWindow>(dataDir, '--fleet');
  return rows.filter(({ window_end }) => window_end <= through);
}

// Who asks for one seed wants that one alone.
const oneSeed = process.env['CHAOS_SEED'] !== undefined;

describe.skipIf(oneSeed).concurrent('samples and windows are those of an uninterrupted run', () => {
  it.each(SCENES)(
    '%s',
    async (_, happens) => {
      using folder = tempDir();
      await using cleanUp = new AsyncDisposableStack();
      const scene = await openScene(folder.path, cleanUp);
      await scene.startCollector();
      await Promise.all([scene.startAgent(), scene.startOther()]);
      await scene.storesMore(12);
      await happens(scene);
      await scene.storesMore(12);
      await scene.comeToRest();

      const samples = samplesIn(scene.dataDir);
      for (const [bootId, own] of Map.groupBy(samples, (sample) => sample.bootId)) {
        const seqs = own.map(({ seq }) => seq).toSorted((a, b) => (a ?? -1) - (b ?? -1));
        expect(seqs, `boot ${bootId}`).toEqual(seqs.map((_, i) => i));
      }
      await using uninterrupted = await startCollector({ env: collectorEnv });
      await uninterruptedWindows(uninterrupted, samples);
      const found = await finalWindows(scene.dataDir);
      expect(found.length).toBeGreaterThan(16);
      expect(found).toEqual(await finalWindows(uninterrupted.dataDir));
      const fleet = await finalFleet(scene.dataDir);
      expect(fleet.length).toBeGreaterThan(4);
      // Made some time after the windows of the servers.
      await eventually(async () => {
        expect(fleet).toEqual(await finalFleet(uninterrupted.dataDir));
      });
    },
    sceneMsMax,
  );
});
