/** The collector's one port: ingest, the page and its data, live events, metrics, health. */
import fastifyCookie from '@fastify/cookie';
import fastifyRateLimit from '@fastify/rate-limit';
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import type { TransferMonitor } from '../../blocks/monitor.ts';
import type { BlockReceiver } from '../../blocks/receiving/receiver.ts';
import { messageOf } from '../../runtime/errors.ts';
import type { Logger } from '../../runtime/logging.ts';
import { directServer } from '../../wire/transport/direct/server.ts';
import type { BatchReceiver } from '../../wire/transport/port.ts';
import { type AccessOptions, guard } from './access.ts';
import { alertRoutes } from './alert-routes.ts';
import type { AlertViews } from './alert-views.ts';
import { blockRoutes } from './block-routes.ts';
import type { Hub } from './hub.ts';
import type { CollectorMetrics } from './metrics.ts';
import { servePage } from './page-files.ts';
import { type PageOptions, pageRoutes } from './page-routes.ts';
import { transferRoutes } from './transfer-routes.ts';
import type { Views } from './views.ts';

/** A request must be whole within this time. */
const requestMsMax = 30_000;
/** Longer than common clients keep an idle connection, so that they close it first. */
const keepAliveMs = 75_000;
const connectionsMax = 20_000;

/** What the page may load: only what this collector serves. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

export interface ServerOptions {
  readonly log: Logger;
  readonly access: AccessOptions;
  readonly receive: BatchReceiver;
  readonly views: Views;
  readonly alerts: AlertViews;
  readonly intake: PageOptions['intake'];
  readonly hub: Hub;
  /** Takes files, and tells of them; absent where none are taken. */
  readonly receiving?: { readonly receiver: BlockReceiver; readonly monitor: TransferMonitor };
  readonly metrics: CollectorMetrics;
  /** Why nothing can be taken in now; undefined when all is well. */
  readonly failure: () => string | undefined;
  readonly decommission: PageOptions['decommission'];
  readonly replayState: (sourceId: string) => { origin_ms: number; closed: boolean } | undefined;
  /** Folder of the page's bundle. */
  readonly pageFolder: string;
  /** Requests that one address may make in a second. */
  readonly requestsPerSecond: number;
  readonly tls: { readonly cert: Buffer; readonly key: Buffer } | undefined;
}

export async function createServer(options: ServerOptions): Promise<FastifyInstance> {
  const common = {
    requestTimeout: requestMsMax,
    keepAliveTimeout: keepAliveMs,
    forceCloseConnections: 'idle' as const,
    routerOptions: { maxParamLength: 200 },
  };
  // Both kinds of server are the same to everything after this line.
  const server = (
    options.tls === undefined ? Fastify(common) : Fastify({ ...common, https: options.tls })
  ) as FastifyInstance;
  server.server.maxConnections = connectionsMax;
  await server.register(fastifyCookie);
  await server.register(fastifyRateLimit, {
    max: options.requestsPerSecond,
    timeWindow: 1_000,
    cache: 10_000,
  });
  server.addHook('onSend', async (_request, reply) => {
    reply.header('content-security-policy', CONTENT_SECURITY_POLICY);
    reply.header('x-content-type-options', 'nosniff');
    reply.header('referrer-policy', 'no-referrer');
    reply.header('cross-origin-opener-policy', 'same-origin');
  });
  server.setErrorHandler((error, request, reply) =>
    answerError(options.log, error, { request, reply }),
  );
  guard(server, options.access);
  await server.register(async (scope) => {
    scope.addHook('onRoute', (route) => {
      route.config = { ...route.config, audience: 'agent' };
    });
    await scope.register(directServer, { receive: options.receive });
    await scope.register(blockRoutes, { receiver: options.receiving?.receiver });
    scope.get<{ Params: { id: string } }>('/v1/sources/:id', (request, reply) => {
      const state = options.replayState(request.params.id);
      return state ?? reply.code(404).send({ error: 'no such source' });
    });
  });
  const { views, intake, hub, decommission } = options;
  await server.register(pageRoutes, { views, intake, hub, decommission });
  await server.register(alertRoutes, { alerts: options.alerts });
  await server.register(transferRoutes, { monitor: options.receiving?.monitor });
  healthRoutes(server, options);
  servePage(server, options.pageFolder);
  return server;
}

function healthRoutes(server: FastifyInstance, options: ServerOptions): void {
  server.get('/metrics', { config: { audience: 'either' } }, async (_request, reply) => {
    return reply.type(options.metrics.contentType).send(await options.metrics.text());
  });
  const open = { config: { audience: 'open' as const } };
  server.get('/healthz', open, () => ({ status: 'ok', now: Date.now() }));
  server.get('/readyz', open, (_request, reply) => {
    const failure = options.failure();
    if (failure === undefined) return { status: 'ready' };
    return reply.code(503).send({ status: 'not ready', error: failure });
  });
}

interface Exchange {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
}

/** Faults of the client keep their status and reason; ours are told in the log alone. */
function answerError(log: Logger, error: unknown, { request, reply }: Exchange) {
  const status =
    error instanceof Error && 'statusCode' in error && typeof error.statusCode === 'number'
      ? error.statusCode
      : 500;
  if (status < 500) return reply.code(status).send({ error: messageOf(error) });
  log.error({ error: messageOf(error), url: request.url.split('?')[0] }, 'request failed');
  return reply.code(500).send({ error: 'internal error' });
}
