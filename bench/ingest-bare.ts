/**
 * The bare peer of `bench ingest`: decompress, JSON.parse each line, append, one commit a request
 * group. What it leaves out is what windrow is for.
 *
 *   node bench/ingest-bare.ts DATA
 */
import { mkdirSync } from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { gunzipSync } from 'node:zlib';

interface BareSample {
  readonly server_id: string;
  readonly ts: number;
  readonly seq: number;
  readonly cpu_pct: number;
  readonly mem_pct: number;
  readonly net_in: number;
  readonly disk_io: number;
}

const folder = join(process.argv[2] ?? '', 'collector');
mkdirSync(folder, { recursive: true });
const db = new DatabaseSync(join(folder, 'windrow.db'));
db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL');
db.exec(
  'CREATE TABLE samples (server TEXT, ts INTEGER, seq INTEGER, a REAL, b REAL, c REAL, d REAL)',
);
db.exec('CREATE INDEX samples_by_time ON samples (server, ts)');
const insert = db.prepare('INSERT INTO samples VALUES (?,?,?,?,?,?,?)');
let waiting: { readonly body: Buffer; readonly response: http.ServerResponse }[] = [];

const server = http.createServer((request, response) => {
  const parts: Buffer[] = [];
  request.on('data', (part: Buffer) => parts.push(part));
  request.on('end', () => {
    if (waiting.push({ body: Buffer.concat(parts), response }) === 1) setTimeout(commit, 20);
  });
});

function commit(): void {
  const group = waiting;
  waiting = [];
  db.exec('BEGIN');
  const stored = group.map(({ body }) => {
    const [, ...lines] = gunzipSync(body).toString('utf8').trimEnd().split('\n');
    for (const line of lines) {
      const { value } = JSON.parse(line) as { value: BareSample };
      const {
        server_id: id,
        ts,
        seq,
        cpu_pct: cpu,
        mem_pct: mem,
        net_in: net,
        disk_io: io,
      } = value;
      insert.run(id, ts, seq, cpu, mem, net, io);
    }
    return lines.length;
  });
  db.exec('COMMIT');
  group.forEach(({ response }, i) => response.end(JSON.stringify({ stored: stored[i] })));
}

process.on('SIGTERM', () => {
  server.closeAllConnections();
  server.close(() => db.close());
});
server.listen(0, '127.0.0.1', () => {
  process.stdout.write(`ready http://127.0.0.1:${(server.address() as AddressInfo).port}\n`);
});
