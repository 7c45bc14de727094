/** The page's data about alerts: see contract.ts. */
import type { FastifyPluginCallback } from 'fastify';
import type { AlertViews } from './alert-views.ts';

export const alertRoutes: FastifyPluginCallback<{ alerts: AlertViews }> = (
  server,
  { alerts },
  done,
) => {
  server.get<{ Querystring: { server?: string } }>('/api/alerts', (request, reply) => {
    const { server: id } = request.query;
    if (id === undefined) return alerts.all();
    return alerts.ofServer(Number(id)) ?? reply.code(404).send({ error: 'no such server' });
  });
  server.get<{ Params: { id: string } }>('/api/alerts/:id', (request, reply) => {
    return alerts.explain(request.params.id) ?? reply.code(404).send({ error: 'no such alert' });
  });
  done();
};
