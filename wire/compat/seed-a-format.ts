/** The server-metrics system's topics and what each holds beside `timestamp`, `original_ts` and `server_id`. */

/** In the order of the lanes: a server's watermark is the minimum over those it uses. */
export const SEED_A_FORMATS = [
  { topic: 'topic-cpu', metrics: ['cpu_pct'] },
  { topic: 'topic-mem', metrics: ['mem_pct'] },
  { topic: 'topic-net', metrics: ['net_in', 'net_out'] },
  { topic: 'topic-disk', metrics: ['disk_io'] },
] as const;

export const SEED_A_TOPICS: readonly string[] = SEED_A_FORMATS.map(({ topic }) => topic);
