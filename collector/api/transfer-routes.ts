/** What the page and the verb `monitor` show of files and of the machines that send and receive them. */
import type { FastifyPluginCallback } from 'fastify';
import { TransferMonitor } from '../../blocks/monitor.ts';
import type { TransfersView } from './contract.ts';

/** Transfers that a page lists, and machines. */
const listedMax = 200;
/** Of an answer with a limit: whoever asks so reads 64 KiB at most, headers and totals included. */
const listBytesMax = 56 * 1024;
/** Of that, for machines. */
const machineBytesMax = 16 * 1024;

export const transferRoutes: FastifyPluginCallback<{ monitor: TransferMonitor | undefined }> = (
  server,
  { monitor = new TransferMonitor() },
  done,
) => {
  const audience = { config: { audience: 'either' as const } };
  server.get<{ Querystring: { limit?: string } }>('/api/transfers', audience, (request, reply) => {
    if (request.query.limit === undefined) return monitor.view(Date.now(), listedMax);
    const limit = Number(request.query.limit);
    if (Number.isInteger(limit) && limit >= 1 && limit <= listedMax) {
      return shortened(monitor.view(Date.now(), limit));
    }
    return reply.code(400).send({ error: `limit must be from 1 to ${listedMax}` });
  });
  done();
};

/** Senders choose the names: they may be long, and six times as long once they are escaped. */
function shortened(view: TransfersView): TransfersView {
  const machines = firstOf(view.machines, machineBytesMax);
  const transfers = firstOf(view.transfers, listBytesMax - machines.bytes);
  return { ...view, machines: machines.items, transfers: transfers.items };
}

/** As many as have so many bytes as JSON. */
function firstOf<T>(items: readonly T[], bytesMax: number): { items: readonly T[]; bytes: number } {
  let bytes = 0;
  for (const [at, item] of items.entries()) {
    const itemBytes = Buffer.byteLength(JSON.stringify(item)) + 1;
    if (bytes + itemBytes > bytesMax) return { items: items.slice(0, at), bytes };
    bytes += itemBytes;
  }
  return { items, bytes };
}
