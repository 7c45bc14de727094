/** The collector's composition root: everything is made here, started in order, stopped in reverse. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { FastifyInstance } from 'fastify';
import { type Clock, systemClock } from '../runtime/clock.ts';
import { messageOf, systemCodeOf, WindrowError } from '../runtime/errors.ts';
import { lockFolder } from '../runtime/folder-lock.ts';
import { Lifecycle } from '../runtime/lifecycle.ts';
import type { Logger } from '../runtime/logging.ts';
import { reachableHost } from '../runtime/network.ts';
import { Alerting } from './alerting.ts';
import { isLoopback } from './api/access.ts';
import { AccessFiles } from './api/access-files.ts';
import { countConditions, liveFigures } from './api/figures.ts';
import { AlertFeed } from './api/alert-feed.ts';
import { AlertViews } from './api/alert-views.ts';
import { Hub } from './api/hub.ts';
import { LiveFeed } from './api/live-feed.ts';
import { CollectorMetrics } from './api/metrics.ts';
import { createServer } from './api/server.ts';
import { Views } from './api/views.ts';
import { alertsPath, checkSettings, type CollectorConfig, windowSettings } from './config.ts';
import { Forgetting } from './ingest/forgetting.ts';
import { Ingest } from './ingest/ingest.ts';
import { Registry } from './ingest/registry.ts';
import { restore } from './ingest/restore.ts';
import { collectorFolder, openForReading, openForWriting } from './store/database.ts';
import { Queries } from './store/queries.ts';
import { RetentionLoop } from './store/retention-loop.ts';
import { storeBytes } from './store/retention.ts';
import { StoreWriter } from './store/writer.ts';
import { forgetRunning, noteRunning, type Running, runningNote } from './running.ts';

const tickMs = 1_000;
const pageFolder = fileURLToPath(new URL('../dist/dashboard', import.meta.url));

export interface Collector {
  /** `http://host:port`, where it really listens. */
  readonly url: string;
  /** Opens the page from anywhere, once; undefined on loopback, where nobody is asked. */
  readonly entryUrl: string | undefined;
  /** Reads the alerts file again. */
  reload(): void;
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
  const releaseFolder = lockFolder(collectorFolder(config.data), 'collector');
  lifecycle.onStop('folder lock', releaseFolder);
  const db = openForWriting(config.data);
  lifecycle.onStop('database', () => db.close());
  const readDb = openForReading(config.data);
  lifecycle.onStop('reading connection', () => readDb.close());

  const hub = new Hub(clock);
  const registry = new Registry();
  const metrics = new CollectorMetrics({
    counts: () => ingest.counts,
    servers: () => countConditions(registry.all(), clock.wallMs()),
    perServer: () => liveFigures(registry.all(), clock.wallMs()),
    alerts: () => alerting.engine,
    storeBytes: () => storeBytes(readDb),
    pages: () => hub.clients,
    panes: () => ingest.engine.stats().panes,
    notices: () => alerting.waiting(),
  });
  const feed = new LiveFeed({ hub, metrics, clock, log });
  const alertFeed = new AlertFeed(hub, registry);
  lifecycle.onStop('alert feed', () => alertFeed.stop());
  const windows = windowSettings(config);
  const alerting = new Alerting({
    path: alertsPath(config),
    db,
    windows,
    group: () => writer.group,
    onChange: (alert) => alertFeed.changed(alert),
    hears: () => writer.failure === undefined,
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
  });
  const writer = new StoreWriter({
    db,
    clock,
    log,
    beforeCommit: (group) => {
      ingest.checkpoint(group);
      alerting.engine.checkpoint(group);
    },
    onCommit: (tookMs, fleet, notices) => {
      metrics.noteCommit(tookMs);
      alerting.committed(fleet, notices);
    },
  });
  ingest.attach(writer);
  lifecycle.onStop('writer', () => writer.close());
  restore(db, registry, ingest);
  alerting.start(registry.all());

  const ticker = setInterval(() => {
    alerting.engine.tick(registry.all());
    ingest.tick();
    feed.tick(registry);
  }, tickMs);
  lifecycle.onStop('ticker', () => clearInterval(ticker));
  const forgetting = new Forgetting({
    db,
    registry,
    waiting: () => ingest.waitingSources(),
    onForgotten: (source) => ingest.forget(source),
  });
  const forgetStep = (): boolean => forgetting.step();
  const retention = new RetentionLoop(db, retentionPolicy(config), { log, clock, forgetStep });
  lifecycle.onStop('retention', () => retention.stop());

  const files = new AccessFiles(config.data);
  const tls = readTls(config);
  const guarded = !isLoopback(config.listen);
  const server = await createServer({
    log,
    access: { files, clock, guarded, hosts: config.hosts, secure: tls !== undefined },
    receive: (batch, from) => ingest.accept(batch, from),
    views: new Views(registry, new Queries(readDb), clock),
    alerts: new AlertViews({ engine: alerting.engine, registry, db: readDb, clock }),
    hub,
    metrics,
    decommission: async (id) => {
      const source = registry.get(id);
      if (source === undefined || source.replayed) return false;
      await ingest.decommission(source);
      return true;
    },
    storeFailure: () => writer.failure?.message,
    replayState: (sourceId) => replayState(registry, sourceId),
    pageFolder,
    requestsPerSecond: config['ingest.requests_per_second'],
    tls,
  });
  lifecycle.onStop('server', () => server.close());
  // Before the server: it waits for open streams, and these never end by themselves.
  lifecycle.onStop('live pages', () => hub.close());
  const port = await listen(server, config);
  const url = urlOf({ host: config.listen, port, secure: tls !== undefined });
  lifecycle.onStop('notifications', alerting.deliver(url, metrics.notifications));
  tellOthers(config.data, runningNote({ url, listen: config.listen, port, tls }), log);
  lifecycle.onStop('running note', () => forgetRunning(config.data));
  log.info({ url, data: config.data }, 'collector is ready');
  return {
    url,
    entryUrl: guarded ? `${url}/enter?code=${files.createLink(clock.wallMs())}` : undefined,
    reload: () => alerting.reload(),
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

function readTls(config: CollectorConfig): { cert: Buffer; key: Buffer } | undefined {
  const certFile = config['tls.cert_file'];
  const keyFile = config['tls.key_file'];
  if (certFile === undefined || keyFile === undefined) return undefined;
  return { cert: readPem('tls.cert_file', certFile), key: readPem('tls.key_file', keyFile) };
}

function readPem(key: string, path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new WindrowError('config', `${key}: ${messageOf(error)}`, { cause: error });
  }
}

async function listen(server: FastifyInstance, { listen, port }: CollectorConfig): Promise<number> {
  try {
    await server.listen({ host: listen, port });
  } catch (error) {
    throw listenError(error, listen, port);
  }
  const address = server.server.address();
  return typeof address === 'object' && address !== null ? address.port : port;
}

function listenError(error: unknown, host: string, port: number): unknown {
  switch (systemCodeOf(error)) {
    case 'EADDRINUSE':
      return new WindrowError('port_in_use', `port ${port} is already in use on ${host}`, {
        cause: error,
        hint: 'Another collector may be running; stop it, or choose another port with --port (port).',
      });
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return new WindrowError('config', `${host} is no address of this machine`, {
        cause: error,
        hint: 'Choose one with --listen (listen): 127.0.0.1, or 0.0.0.0 for the whole network.',
      });
    case 'EACCES':
      return new WindrowError('config', `this user may not listen on port ${port}`, {
        cause: error,
        hint: 'Choose a port above 1023 with --port (port).',
      });
    default:
      return error;
  }
}

/** The address to show: a person opens localhost, not 127.0.0.1, and not 0.0.0.0. */
function urlOf({ host, port, secure }: { host: string; port: number; secure: boolean }): string {
  const shown = host === '127.0.0.1' || host === '::1' ? 'localhost' : reachableHost(host);
  return `${secure ? 'https' : 'http'}://${shown}:${port}`;
}
