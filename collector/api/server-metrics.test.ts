import { type OpenMetricsContentType, Registry } from 'prom-client';
import { expect, it } from 'vitest';
import { addServerMetrics, type ServerFigures, serversMax } from './server-metrics.ts';

const figures: ServerFigures = {
  serverId: 'pc',
  received: 7,
  late: 6,
  duplicates: 5,
  lost: 4,
  isUp: true,
  clockOffsetMs: -1_500,
  hasConflict: false,
  bootMs: 1_700_000_000_500,
};

/** What a scrape gets, without comments. */
function scraper(servers: readonly ServerFigures[]): () => Promise<string[]> {
  const registry = new Registry<OpenMetricsContentType>();
  registry.setContentType(Registry.OPENMETRICS_CONTENT_TYPE);
  addServerMetrics(registry, () => servers);
  return async () => {
    const lines = (await registry.metrics()).trimEnd().split('\n');
    return lines.filter((line) => !line.startsWith('#'));
  };
}

it('each server has its figures under its name', async () => {
  const lines = await scraper([figures])();
  expect(lines).toEqual([
    'windrow_server_samples_received_total{server="pc"} 7',
    'windrow_server_samples_late_total{server="pc"} 6',
    'windrow_server_samples_duplicate_total{server="pc"} 5',
    'windrow_server_samples_lost_total{server="pc"} 4',
    'windrow_server_clock_offset_seconds{server="pc"} -1.5',
    'windrow_server_up{server="pc"} 1',
    'windrow_server_identity_conflict{server="pc"} 0',
    'windrow_server_boot_timestamp_seconds{server="pc"} 1700000000.5',
  ]);
});

it('a clock or a start that is not known has no series, not one that says 0', async () => {
  const lines = await scraper([{ ...figures, clockOffsetMs: null, bootMs: null }])();
  expect(lines.filter((line) => /clock_offset|boot_timestamp/.test(line))).toEqual([]);
  expect(lines).toHaveLength(6);
});

it('a hostile name is escaped: it forges neither a label nor a line', async () => {
  const serverId = 'a"b\\c",x="1';
  const lines = await scraper([{ ...figures, serverId }])();
  expect(lines).toContain(String.raw`windrow_server_up{server="a\"b\\c\",x=\"1"} 1`);
  expect(lines).toHaveLength(8);
});

it('a server that is gone takes its series with it, and asking twice counts nothing twice', async () => {
  const servers = [figures, { ...figures, serverId: 'other' }];
  const scrape = scraper(servers);
  await scrape();
  servers.pop();
  const lines = await scrape();
  expect(lines).toContain('windrow_server_samples_received_total{server="pc"} 7');
  expect(lines).toHaveLength(8);
});

it('of very many servers the first 5,000 have series: a scrape stays bounded', async () => {
  const many = Array.from({ length: serversMax + 10 }, (_, i) => ({
    ...figures,
    serverId: `s${i}`,
  }));
  const lines = await scraper(many)();
  expect(lines.filter((line) => line.startsWith('windrow_server_up'))).toHaveLength(serversMax);
  expect(lines).toContain('windrow_server_up{server="s0"} 1');
});
