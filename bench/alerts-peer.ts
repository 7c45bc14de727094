/**
 * The peer of `bench alerts`: reads each server's newest windows from the store every 10 s, and
 * posts which of them breach. No queue, no grouping, no repeats: a poll's best case. Ten polls take
 * turns, each for a tenth of the servers: windows end all at once, and one poll's place between two
 * ends would be luck.
 */
import type { DatabaseSync } from 'node:sqlite';
import { openForReading } from '../collector/store/database.ts';
import { unpackAggregates } from '../collector/store/aggregates.ts';
import { METRICS } from '../wire/metrics.ts';

const polls = 10;
const turnMs = 1_000;
const cpu = METRICS.indexOf('cpu_pct');
const breachPct = 90;

export class PollingPeer {
  readonly #url: string;
  readonly #db: DatabaseSync;
  readonly #told = new Set<string>();
  readonly #timer: NodeJS.Timeout;
  #turn = 0;
  #posting: Promise<unknown> = Promise.resolve();

  constructor(dataDir: string, url: string) {
    this.#url = url;
    this.#db = openForReading(dataDir);
    this.#timer = setInterval(() => this.#evaluate(), turnMs);
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#posting;
    this.#db.close();
  }

  #evaluate(): void {
    this.#turn = (this.#turn + 1) % polls;
    const rows = this.#db
      .prepare(
        `SELECT s.server_id AS server, w.figures FROM windows w JOIN sources s USING (source_no)
         WHERE w.start_ms > ? AND w.source_no % ? = ?`,
      )
      .all(Date.now() - 2 * 60_000, polls, this.#turn);
    const breaching = rows
      .filter((row) => (unpackAggregates(row)[cpu]?.max ?? 0) > breachPct)
      .map((row) => String(row['server']))
      .filter((server) => !this.#told.has(server));
    if (breaching.length === 0) return;
    for (const server of breaching) this.#told.add(server);
    const alerts = [...new Set(breaching)].map((server) => ({ labels: { server } }));
    this.#posting = fetch(this.#url, { method: 'POST', body: JSON.stringify({ alerts }) });
  }
}
