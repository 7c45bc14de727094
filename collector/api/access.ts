/**
 * Who may ask what. A collector that listens on loopback alone trusts the machine; beyond it
 * agents show a token and browsers a session cookie. Host and Origin are checked in both cases:
 * otherwise any web page could reach a loopback collector through a name that it controls.
 */
import '@fastify/cookie';
import { isIP } from 'node:net';
import { hostname } from 'node:os';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Clock } from '../../runtime/clock.ts';
import { type AccessFiles, sessionMsMax } from './access-files.ts';
import { refusalPage } from './refusal-page.ts';

export interface AccessOptions {
  readonly files: AccessFiles;
  readonly clock: Clock;
  /** Whether the collector listens beyond loopback. */
  readonly guarded: boolean;
  /** Further names under which it may be asked. */
  readonly hosts: readonly string[];
  readonly secure: boolean;
}

/** `agent`: bearer token; `page`: session; `either`; `open`: anybody, for health checks. */
export type Audience = 'agent' | 'page' | 'either' | 'open';

declare module 'fastify' {
  interface FastifyContextConfig {
    audience?: Audience;
  }
}

export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host);
}

export function guard(server: FastifyInstance, options: AccessOptions): void {
  const names = new Set(['localhost', hostname(), ...options.hosts].map((n) => n.toLowerCase()));
  server.addHook('onRequest', async (request, reply) => {
    const host = hostOf(request);
    if (host === undefined || !(isIP(host) !== 0 || names.has(host))) {
      return refuse(reply, 403, 'this host name is not served: add it to `hosts`');
    }
    if (!sameOrigin(request)) return refuse(reply, 403, 'cross-origin requests are not served');
    if (!options.guarded || isAllowed(request, options)) return;
    return refuseEntry(request, reply, needs(audienceOf(request)));
  });
  server.get('/enter', { config: { audience: 'open' } }, async (request, reply) => {
    const { code } = request.query as { code?: unknown };
    const nowMs = options.clock.wallMs();
    if (typeof code !== 'string' || !options.files.useLink(code, nowMs)) {
      return refuseEntry(
        request,
        reply,
        'this link was used already or is too old: make a new one with `windrow-collector token link`',
      );
    }
    reply.setCookie(sessionCookie(request), options.files.createSession(nowMs), {
      path: '/',
      httpOnly: true,
      sameSite: 'lax',
      secure: options.secure,
      maxAge: sessionMsMax / 1000,
    });
    return reply.redirect('/', 303);
  });
}

function refuse(reply: FastifyReply, status: number, error: string): FastifyReply {
  return reply.code(status).send({ error });
}

/** A person who followed a link reads a page; programs, and the page itself, get JSON. */
function refuseEntry(request: FastifyRequest, reply: FastifyReply, error: string): FastifyReply {
  if (!isNavigation(request)) return refuse(reply, 401, error);
  return reply.code(401).type('text/html; charset=utf-8').send(refusalPage(error));
}

function isNavigation(request: FastifyRequest): boolean {
  const { method, url, headers } = request;
  const isForPeople = ['page', 'open'].includes(audienceOf(request)) && !url.startsWith('/api/');
  if (method !== 'GET' || !isForPeople) return false;
  // Browsers that reach us without TLS do not tell it.
  const mode = headers['sec-fetch-mode'] ?? 'navigate';
  return mode === 'navigate' && /\btext\/html\b/i.test(headers.accept ?? '');
}

function audienceOf(request: FastifyRequest): Audience {
  // What has no route of its own is the page's files.
  return request.routeOptions.config.audience ?? 'page';
}

function isAllowed(request: FastifyRequest, { files, clock }: AccessOptions): boolean {
  const audience = audienceOf(request);
  if (audience === 'open') return true;
  const bearer = /^Bearer (\S{1,200})$/.exec(request.headers.authorization ?? '')?.[1];
  if (audience !== 'page' && bearer !== undefined && files.isToken(bearer)) return true;
  // A command of this machine: it made the code, good for one request, in the data folder itself.
  if (audience === 'page' && bearer !== undefined && files.useLink(bearer, clock.wallMs())) {
    return true;
  }
  const session = request.cookies[sessionCookie(request)];
  return audience !== 'agent' && session !== undefined && files.isSession(session, clock.wallMs());
}

function needs(audience: Audience): string {
  return audience === 'page'
    ? 'open the page by a one-time link: `windrow-collector token link` makes one'
    : 'a token is needed: `windrow-collector token create` makes one';
}

/** Browsers keep cookies by host alone: its port in the name keeps collectors of one host apart. */
function sessionCookie(request: FastifyRequest): string {
  const port = urlOf(request)?.port ?? '';
  return port === '' ? 'windrow_session' : `windrow_session_${port}`;
}

/** The host's name without port, lower case; undefined when the header is no host. */
function hostOf(request: FastifyRequest): string | undefined {
  const url = urlOf(request);
  if (url === undefined || url.pathname !== '/' || url.username !== '') return undefined;
  return url.hostname.replace(/^\[|\]$/g, '').toLowerCase() || undefined;
}

/** As the request names us, which may be anything; a port is digits or empty. */
function urlOf({ headers }: FastifyRequest): URL | undefined {
  return URL.parse(`http://${headers.host ?? ''}`) ?? undefined;
}

/** Browsers name the page that asks; programs send no Origin. */
function sameOrigin(request: FastifyRequest): boolean {
  const { origin, host } = request.headers;
  if (request.headers['sec-fetch-site'] === 'cross-site' && request.method !== 'GET') return false;
  if (origin === undefined) return true;
  return URL.parse(origin)?.host === host;
}
