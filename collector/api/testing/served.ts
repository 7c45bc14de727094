/** The collector's server on a real port, with a store that says what the test wants. */
import { join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import { onTestFinished } from 'vitest';
import { createKeptLog, type LogLine } from '../../../runtime/testing/kept-log.ts';
import { createManualClock, type ManualClock } from '../../../runtime/testing/manual-clock.ts';
import { temporaryFolder } from '../../../runtime/testing/temporary-folder.ts';
import type { DecodedBatch } from '../../../wire/records/batch.ts';
import type { BatchReceiver } from '../../../wire/transport/port.ts';
import { AlertEngine } from '../../alerts/engine.ts';
import { restoreAlerts } from '../../alerts/store.ts';
import { Registry } from '../../ingest/registry.ts';
import { noCounts } from '../../ingest/counts.ts';
import { openForWriting } from '../../store/database.ts';
import { Group } from '../../store/group.ts';
import { Queries } from '../../store/queries.ts';
import { AlertViews } from '../alert-views.ts';
import { AccessFiles } from '../access-files.ts';
import { Hub } from '../hub.ts';
import { IntakeFeed } from '../intake-feed.ts';
import { CollectorMetrics } from '../metrics.ts';
import { createServer, type ServerOptions } from '../server.ts';
import { Views } from '../views.ts';

export interface Served {
  readonly url: string;
  readonly server: FastifyInstance;
  readonly hub: Hub;
  readonly files: AccessFiles;
  readonly metrics: CollectorMetrics;
  readonly clock: ManualClock;
  readonly batches: readonly DecodedBatch[];
  readonly lines: readonly LogLine[];
}

export interface ServedOptions
  extends Partial<
    Pick<
      ServerOptions,
      | 'pageFolder'
      | 'views'
      | 'requestsPerSecond'
      | 'failure'
      | 'replayState'
      | 'decommission'
      | 'receiving'
      | 'intake'
    >
  > {
  readonly guarded?: boolean;
  readonly hosts?: readonly string[];
  readonly receive?: BatchReceiver;
}

export async function serve(options: ServedOptions = {}): Promise<Served> {
  const { guarded = false, hosts = [], ...given } = options;
  const dataDir = temporaryFolder();
  const db = openForWriting(dataDir);
  const { log, lines } = createKeptLog();
  const clock = createManualClock();
  const registry = new Registry();
  const hub = new Hub(clock);
  const files = new AccessFiles(dataDir);
  const batches: DecodedBatch[] = [];
  const engine = new AlertEngine(
    {
      clock,
      group: () => new Group(),
      sources: () => [],
      onChange: () => {},
      hears: () => true,
      isOwnClockOff: () => false,
      windowMs: 30_000,
      latenessMs: 5_000,
    },
    restoreAlerts(db, clock.wallMs()),
  );
  const metrics = new CollectorMetrics({
    counts: () => ({ ...noCounts(), received: 42 }),
    servers: () => ({ up: 1, silent: 2, off: 3, skewed: 0, decommissioned: 0, unknown: 0 }),
    perServer: () => [],
    alerts: () => engine,
    clockOffsetMs: () => 0,
    storeBytes: () => 4_096,
    pages: () => hub.clients,
    panes: () => 0,
    notices: () => new Map(),
  });
  const server = await createServer({
    log,
    access: { files, clock, guarded, hosts, secure: false },
    receive: async (batch) => {
      batches.push(batch);
      return { stored: batch.records.length, duplicates: 0, quarantined: 0, now: clock.wallMs() };
    },
    views: new Views(registry, new Queries(db), clock),
    alerts: new AlertViews({ engine, registry, db, clock, others: () => [] }),
    intake: new IntakeFeed({ db, hub, clock, failure: () => undefined, hears: () => true }),
    hub,
    metrics,
    failure: () => undefined,
    replayState: () => undefined,
    decommission: () => Promise.resolve(false),
    pageFolder: join(dataDir, 'no-page'),
    requestsPerSecond: 1_000,
    tls: undefined,
    ...given,
  });
  const url = await server.listen({ host: '127.0.0.1', port: 0 });
  onTestFinished(async () => {
    hub.close();
    await server.close();
    db.close();
  });
  return { url, server, hub, files, metrics, clock, batches, lines };
}
