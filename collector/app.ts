/** The collector's composition root: everything is made here, started in order, stopped in reverse. */
import { type Clock, systemClock } from '../runtime/clock.ts';
import { messageOf } from '../runtime/errors.ts';
import { lockFolder } from '../runtime/folder-lock.ts';
import { Lifecycle } from '../runtime/lifecycle.ts';
import type { Logger } from '../runtime/logging.ts';
import { ownPath } from '../runtime/program.ts';
import { warnOfIdleBrokers } from '../wire/transport/kafka/connection.ts';
import { Alerting } from './alerting.ts';
import { isLoopback } from './api/access.ts';
import { AccessFiles } from './api/access-files.ts';
import { countConditions, liveFigures } from './api/figures.ts';
import { AlertFeed } from './api/alert-feed.ts';
import { AlertViews } from './api/alert-views.ts';
import { Hub } from './api/hub.ts';
import { IntakeFeed } from './api/intake-feed.ts';
import { listen, readTls } from './api/listen.ts';
import { LiveFeed } from './api/live-feed.ts';
import { CollectorMetrics } from './api/metrics.ts';
import { createServer } from './api/server.ts';
import { Views } from './api/views.ts';
import { openCluster } from './cluster/open.ts';
import { alertsPath, checkSettings, type CollectorConfig, windowSettings } from './config.ts';
import { Forgetting } from './ingest/forgetting.ts';
import { Ingest } from './ingest/ingest.ts';
import { Registry } from './ingest/registry.ts';
import { restore } from './ingest/restore.ts';
import { collectorFolder, openForReading, openForWriting } from './store/database.ts';
import { Queries } from './store/queries.ts';
import { RetentionLoop } from './store/retention-loop.ts';
import { storeBytes } from './store/retention.ts';
import { Wal } from './store/wal.ts';
import { SamplesAhead } from './store/samples-ahead.ts';
import { StoreWriter } from './store/writer.ts';
import { Receiving } from './receiving.ts';
import { hostsOf, linksFinding, pageUrlOf } from './page-url.ts';
import { forgetRunning, noteRunning, type Running, runningNote } from './running.ts';

const tickMs = 1_000;
const pageFolder = ownPath(new URL('../dist/dashboard', import.meta.url));

export interface Collector {
  /** `http://host:port`, where it really listens. */
  readonly url: string;
  /** Opens the page from anywhere, once; undefined on loopback, where nobody is asked. */
  readonly entryUrl: string | undefined;
  /** Reads the alerts file again. */
  reload(): void;
  /**
   * Rejects when the disk no longer confirms what is stored: then the process is to end as it is, for
   * closing the database would go on as if it had. Never resolves.
   */
  readonly lost: Promise<never>;
  stop(): Promise<void>;
}

/** @throws WindrowError when a part cannot start; what had started is stopped again. */
export async function startCollector(config: CollectorConfig, log: Logger): Promise<Collector> {
  const lifecycle = new Lifecycle(log);
  try {
    return await start(config, { log, lifecycle, clock: systemClock });
  } catch (error) {
    await lifecycle.stop();
    throw error;
  }
}

interface Base {
  readonly log: Logger;
  readonly lifecycle: Lifecycle;
  readonly clock: Clock;
}

async function start(config: CollectorConfig, base: Base): Promise<Collector> {
  const { log, lifecycle, clock } = base;
  checkSettings(config);
  warnOfIdleBrokers(config, log);
  const releaseFolder = lockFolder(collectorFolder(config.data), 'collector');
  lifecycle.onStop('folder lock', releaseFolder);
  const db = openForWriting(config.data);
  let isLost = false;
  lifecycle.onStop('database', () => {
    // Closing moves the log into the database, as if the disk had confirmed it.
    if (!isLost) db.close();
  });
  const readDb = openForReading(config.data);
  lifecycle.onStop('reading connection', () => readDb.close());

  const windows = windowSettings(config);
  const cluster = openCluster(config, { db, windows, clock, log });
  const receiving = config['blocks.enabled'] ? new Receiving(config, base) : undefined;
  lifecycle.onStop('received files', async () => receiving?.stop());
  const hub = new Hub(clock);
  const registry = new Registry();
  const countingNow = () => ({ nowMs: clock.wallMs(), hearing: alerting.engine.hearing });
  const metrics = new CollectorMetrics({
    counts: () => ingest.counts,
    servers: () => countConditions(registry.all(), countingNow()),
    perServer: () => liveFigures(registry.all(), countingNow()),
    alerts: () => alerting.engine,
    clockOffsetMs: () => ingest.ownClock.offsetMs,
    storeBytes: () => storeBytes(readDb),
    pages: () => hub.clients,
    panes: () => ingest.engine.stats().panes,
    notices: () => alerting.waiting(),
    ...(receiving === undefined ? {} : { blocks: () => receiving.figures() }),
    ...(cluster === undefined ? {} : { cluster: () => cluster.figures() }),
  });
  const feed = new LiveFeed({ hub, metrics, clock, log });
  const failure = (): string | undefined => writer.failure?.message ?? cluster?.failure;
  const hears = (): boolean => writer.failure === undefined && cluster?.isCaughtUp !== false;
  const hearsOthers = cluster && ((): boolean => cluster.hearsOthers);
  const intake = new IntakeFeed({ db: readDb, hub, clock, failure, hears, hearsOthers });
  const alertFeed = new AlertFeed(hub, registry);
  lifecycle.onStop('alert feed', () => alertFeed.stop());
  const alerting = new Alerting({
    path: alertsPath(config),
    db,
    windows,
    group: () => writer.group,
    sources: () => registry.all(),
    isOwnClockOff: () => ingest.ownClock.offsetMs !== 0,
    onChange: (alert) => alertFeed.changed(alert),
    hears,
    ...(cluster === undefined ? {} : { share: cluster.share }),
    clock,
    log,
  });
  const ingest = new Ingest({
    registry,
    windows,
    clock,
    log,
    observer: feed,
    alerts: alerting.engine,
    ...(cluster === undefined ? {} : { fromLog: cluster.fromLog }),
  });
  const { promise: lost, reject: onLost } = Promise.withResolvers<never>();
  // Whoever does not look is told in the log.
  lost.catch((error: unknown) =>
    log.error({ error: messageOf(error) }, 'the collector has to end'),
  );
  const writer = new StoreWriter({
    db,
    wal: new Wal(db),
    // What a log holds may be much more at once than senders that wait for the commit.
    ...(cluster === undefined ? {} : { ahead: new SamplesAhead(db) }),
    clock,
    log,
    beforeCommit: (group) => ingest.checkpoint(group),
    inCommit: (group, fleet) => {
      alerting.inCommit(group, fleet);
      cluster?.inCommit(group);
    },
    onCommit: () => cluster?.committed(),
    onSynced: (tookMs, notices) => {
      metrics.noteCommit(tookMs);
      alerting.committed(notices);
    },
    onLost: (error) => {
      isLost = true;
      onLost(error);
    },
  });
  ingest.attach(writer);
  lifecycle.onStop('writer', () => writer.close());
  restore(db, registry, ingest);
  alerting.start();

  const ticker = setInterval(() => {
    alerting.engine.tick();
    ingest.tick();
    cluster?.tick();
    feed.tick(registry);
    intake.tick();
    receiving?.tell(hub);
  }, tickMs);
  lifecycle.onStop('ticker', () => clearInterval(ticker));
  const forgetting = new Forgetting({
    db,
    registry,
    waiting: () => ingest.waitingSources(),
    onForgotten: (source) => {
      cluster?.forget(source);
      ingest.forget(source);
    },
  });
  const forgetStep = (): boolean => forgetting.step();
  const retention = new RetentionLoop(db, retentionPolicy(config), { log, clock, forgetStep });
  lifecycle.onStop('retention', () => retention.stop());

  const files = new AccessFiles(config.data);
  const tls = readTls(config);
  const secure = tls !== undefined;
  const { listen: host } = config;
  const guarded = !isLoopback(host);
  const server = await createServer({
    log,
    access: { files, clock, guarded, hosts: hostsOf(config), secure },
    receive: cluster?.refuse ?? ((batch, from) => ingest.accept(batch, from)),
    views: new Views(registry, new Queries(readDb), clock),
    alerts: new AlertViews({
      engine: alerting.engine,
      registry,
      db: readDb,
      clock,
      others: () => cluster?.othersAlerts(readDb) ?? [],
    }),
    intake,
    hub,
    ...(receiving === undefined ? {} : { receiving }),
    metrics,
    decommission: async (id) => {
      const source = registry.get(id);
      if (source === undefined || source.replayed) return false;
      await ingest.decommission(source);
      cluster?.tell(source);
      return true;
    },
    failure,
    replayState: (sourceId) => replayState(registry, sourceId),
    pageFolder,
    requestsPerSecond: config['ingest.requests_per_second'],
    tls,
  });
  lifecycle.onStop('server', () => server.close());
  // Before the server: it waits for open streams, and these never end by themselves.
  lifecycle.onStop('live pages', () => hub.close());
  const { port, url } = await listen(server, { host, port: config.port, secure });
  const pageUrl = pageUrlOf(config, port);
  const links = linksFinding(config, port);
  if (links?.status === 'warn') log.warn({ hint: links.advice }, links.message);
  const gate = cluster?.join({
    registry,
    ingest,
    writer,
    observer: feed,
    url: pageUrl,
    alerting: {
      engine: alerting.engine,
      timeoutsMs: () => alerting.timeoutsMs(),
      onTellable: () => alerting.wake(),
      onOthers: (alert) => alertFeed.changed(alert),
    },
  });
  lifecycle.onStop('what collectors share', async () => cluster?.close());
  lifecycle.onStop('share of the log', async () => cluster?.leave());
  // Stopped first: what it sends meanwhile is told the others.
  lifecycle.onStop('notifications', alerting.deliver(pageUrl, metrics.notifications, gate));
  tellOthers(config.data, runningNote({ url: pageUrl, listen: host, port, tls }), log);
  lifecycle.onStop('running note', () => forgetRunning(config.data));
  log.info({ url, data: config.data }, 'collector is ready');
  return {
    url,
    entryUrl: guarded ? `${pageUrl}/enter?code=${files.createLink(clock.wallMs())}` : undefined,
    reload: () => {
      alerting.reload();
      cluster?.reloaded();
    },
    lost,
    stop: () => lifecycle.stop(),
  };
}

/** Other commands find the collector by its note; a full disk must not keep it from running. */
function tellOthers(dataDir: string, running: Running, log: Logger): void {
  try {
    noteRunning(dataDir, running);
  } catch (error) {
    log.warn({ error: messageOf(error) }, 'other commands will not find this collector');
  }
}

function retentionPolicy(config: CollectorConfig) {
  return {
    samplesAgeMs: config['retention.samples'],
    detailsAgeMs: config['retention.details'],
    windowsAgeMs: config['retention.windows'],
    sizeBytesMax: config['retention.size'],
  };
}

/** A replay is closed when every server of its file is. */
function replayState(registry: Registry, sourceId: string) {
  let state: { origin_ms: number; closed: boolean } | undefined;
  for (const source of registry.all()) {
    if (source.replayId !== sourceId) continue;
    state = { origin_ms: source.originMs, closed: source.closed && state?.closed !== false };
  }
  return state;
}
