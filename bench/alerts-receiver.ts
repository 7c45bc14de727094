/** A webhook that notes when each server was told of first, by path, and the rule that it hears of. */
import { once } from 'node:events';
import { createServer } from 'node:http';

export interface BenchReceiver {
  readonly url: string;
  /** Server → when the first notification about it came to the path, on the monotonic clock. */
  firstMs(path: string): ReadonlyMap<string, number>;
  close(): Promise<void>;
}

export async function startReceiver(): Promise<BenchReceiver> {
  const byPath = new Map<string, Map<string, number>>();
  const server = createServer((request, response) => {
    const nowMs = performance.now();
    let body = '';
    request.setEncoding('utf8').on('data', (text: string) => {
      body += text;
    });
    request.on('end', () => {
      const first = byPath.get(request.url ?? '') ?? new Map<string, number>();
      byPath.set(request.url ?? '', first);
      for (const name of serversIn(body)) if (!first.has(name)) first.set(name, nowMs);
      response.end();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    url: `http://127.0.0.1:${port}`,
    firstMs: (path) => byPath.get(path) ?? new Map(),
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

function serversIn(body: string): string[] {
  const { alerts } = JSON.parse(body) as { alerts: { labels: Record<string, string> }[] };
  return alerts.map(({ labels }) => labels['server'] ?? '');
}

/** All but the rule is as by default, the wait for company included. */
export function alertsYaml(webhook: string): string {
  return `
rules:
  - { name: cpu-peak, about: CPU peaked., when: cpu_pct.max > 90, severity: critical }
notifiers:
  ops: { type: webhook, url: "${webhook}" }
`;
}

/** Of each server that was told of, ms. */
export function delays(
  told: ReadonlyMap<string, number>,
  since: ReadonlyMap<string, number>,
): number[] {
  return [...told].flatMap(([server, toldMs]) => {
    const sinceMs = since.get(server);
    return sinceMs === undefined ? [] : [toldMs - sinceMs];
  });
}
