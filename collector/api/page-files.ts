/** The page itself: the few files of its bundle, read once and kept; nothing else can be asked for. */
import { createHash } from 'node:crypto';
import { extname } from 'node:path';
import type { FastifyInstance } from 'fastify';
import { systemCodeOf } from '../../runtime/errors.ts';
import { listOwn, readOwn } from '../../runtime/program.ts';

const TYPES: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.txt': 'text/plain; charset=utf-8',
};
const index = 'index.html';

/** @param folder of the bundle */
export function servePage(server: FastifyInstance, folder: string): void {
  const names = filesOf(folder);
  for (const name of names) serveFile(server, name, readOwn(`${folder}/${name}`));
  if (names.includes(index)) return;
  server.get('/', (_request, reply) =>
    reply.code(503).type('text/plain').send('The page is not built: run `npm run build:page`.\n'),
  );
}

function filesOf(folder: string): string[] {
  try {
    return listOwn(folder);
  } catch (error) {
    if (systemCodeOf(error) === 'ENOENT') return [];
    throw error;
  }
}

function serveFile(server: FastifyInstance, name: string, bytes: Buffer): void {
  const type = TYPES[extname(name)] ?? 'application/octet-stream';
  const etag = `"${createHash('sha256').update(bytes).digest('base64url')}"`;
  for (const path of name === index ? ['/', `/${name}`] : [`/${name}`]) {
    server.get(path, (request, reply) => {
      // Asked for again each time, so that a newer collector's page is seen at once.
      reply.header('cache-control', 'no-cache').header('etag', etag).type(type);
      return request.headers['if-none-match'] === etag ? reply.code(304).send() : reply.send(bytes);
    });
  }
}
