/** A webhook that notes what it is told, by path, and the rule that it hears of. */
import { once } from 'node:events';
import { createServer } from 'node:http';

/** Times are on the monotonic clock. */
export interface BenchNotice {
  readonly server: string;
  readonly isOver: boolean;
  /** Of the window that it is about, where the rule has no `for`. NaN when it says none. */
  readonly windowEndedMs: number;
  readonly receivedMs: number;
}

export interface BenchReceiver {
  readonly url: string;
  /** All that came to the path, in order. */
  notices(path: string): readonly BenchNotice[];
  /** Server → when the first notification about it came to the path, on the monotonic clock. */
  firstMs(path: string): ReadonlyMap<string, number>;
  close(): Promise<void>;
}

export async function startReceiver(): Promise<BenchReceiver> {
  const byPath = new Map<string, BenchNotice[]>();
  const noticesOf = (path: string): readonly BenchNotice[] => byPath.get(path) ?? [];
  const server = createServer((request, response) => {
    const receivedMs = performance.now();
    let body = '';
    request.setEncoding('utf8').on('data', (text: string) => {
      body += text;
    });
    request.on('end', () => {
      const path = request.url ?? '';
      byPath.set(path, [...noticesOf(path), ...noticesIn(body, receivedMs)]);
      response.end();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    url: `http://127.0.0.1:${port}`,
    notices: noticesOf,
    // Of two entries with one key a map keeps the later one.
    firstMs: (path) =>
      new Map(
        noticesOf(path)
          .map(({ server, receivedMs }) => [server, receivedMs] as const)
          .reverse(),
      ),
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

interface ToldAlert {
  readonly labels: Readonly<Record<string, string>>;
  readonly status?: string;
  readonly startsAt?: string;
  readonly endsAt?: string;
}

function noticesIn(body: string, receivedMs: number): BenchNotice[] {
  const { alerts } = JSON.parse(body) as { alerts: ToldAlert[] };
  return alerts.map(({ labels, status, startsAt = '', endsAt = '' }) => {
    const isOver = status === 'resolved';
    const windowEndedMs = Date.parse(isOver ? endsAt : startsAt) - performance.timeOrigin;
    return { server: labels['server'] ?? '', isOver, windowEndedMs, receivedMs };
  });
}

const cpuPeak =
  '{ name: cpu-peak, about: CPU peaked., when: cpu_pct.max > 90, severity: critical }';

/**
 * All but the rule is as by default, the wait for company included.
 * @param rule as YAML on one line
 */
export function alertsYaml(webhook: string, rule = cpuPeak): string {
  return `
rules:
  - ${rule}
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
