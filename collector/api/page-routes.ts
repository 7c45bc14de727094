/** The page's data: see contract.ts. */
import type { FastifyPluginCallback, FastifyReply } from 'fastify';
import { WindrowError } from '../../runtime/errors.ts';
import type { Hub } from './hub.ts';
import type { IntakeFeed } from './intake-feed.ts';
import { RANGES_MINUTES, type RangeMinutes, type Views } from './views.ts';

interface RangeQuery {
  Querystring: { minutes?: string };
}

export interface PageOptions {
  readonly views: Views;
  readonly intake: Pick<IntakeFeed, 'view'>;
  readonly hub: Hub;
  /** @returns whether there is such a server; @throws WindrowError when it cannot be stored */
  readonly decommission: (id: number) => Promise<boolean>;
}

export const pageRoutes: FastifyPluginCallback<PageOptions> = (
  server,
  { views, intake, hub, decommission },
  done,
) => {
  server.get('/api/fleet', () => views.fleet());

  server.get('/api/intake', () => intake.view());

  server.get<RangeQuery>('/api/fleet/series', async (request, reply) => {
    const minutes = rangeOf(request.query.minutes);
    return minutes === undefined ? badRange(reply) : views.fleetSeries(minutes);
  });

  server.get<{ Params: { id: string } }>('/api/servers/:id', (request, reply) => {
    return views.server(Number(request.params.id)) ?? noServer(reply);
  });

  server.delete<{ Params: { id: string } }>('/api/servers/:id', async (request, reply) => {
    try {
      const known = await decommission(Number(request.params.id));
      return known ? reply.code(204).send() : noServer(reply);
    } catch (error) {
      if (!(error instanceof WindrowError) || !error.retryable) throw error;
      return reply.code(503).send({ error: error.message });
    }
  });

  server.get<RangeQuery & { Params: { id: string } }>(
    '/api/servers/:id/series',
    (request, reply) => {
      const minutes = rangeOf(request.query.minutes);
      if (minutes === undefined) return badRange(reply);
      return views.serverSeries(Number(request.params.id), minutes) ?? noServer(reply);
    },
  );

  server.get<{ Querystring: { server?: string } }>('/api/events', (request, reply) => {
    const serverNo = request.query.server === undefined ? undefined : Number(request.query.server);
    const lastEventId = request.headers['last-event-id'];
    if (hub.isFull) return reply.code(503).send({ error: 'too many pages are open' });
    reply.hijack();
    const stream = reply.raw;
    stream.writeHead(200, {
      'content-type': 'text/event-stream',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
      'x-content-type-options': 'nosniff',
    });
    hub.attach(stream, {
      serverNo,
      lastEventId: typeof lastEventId === 'string' ? lastEventId : undefined,
    });
    return reply;
  });
  done();
};

function rangeOf(text: string | undefined): RangeMinutes | undefined {
  return RANGES_MINUTES.find((minutes) => String(minutes) === text);
}

function badRange(reply: FastifyReply) {
  return reply.code(400).send({ error: `minutes must be one of ${RANGES_MINUTES.join(', ')}` });
}

function noServer(reply: FastifyReply) {
  return reply.code(404).send({ error: 'no such server' });
}
