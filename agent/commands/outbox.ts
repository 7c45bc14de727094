import { Command } from 'commander';
import { settingsOf, withSettings } from '../../runtime/config/flags.ts';
import { wordFor } from '../../runtime/plural.ts';
import { AGENT_SPEC } from '../config.ts';
import { type OutboxSummary, summarize } from '../outbox/summary.ts';

const MiB = 1024 * 1024;

export function outboxCommand(): Command {
  const command = withSettings(new Command('outbox'), AGENT_SPEC, ['data'])
    .description('show what waits for the collector')
    .option('--json', 'as JSON')
    .action(({ json }: { json?: true }) => {
      const { values } = settingsOf(command, AGENT_SPEC, 'agent');
      const summary = summarize(values.data);
      process.stdout.write(json ? `${JSON.stringify(asJson(summary))}\n` : asText(summary));
    });
  return command;
}

function asJson({ path, diskBytes, isAgentRunning, boots, dropped }: OutboxSummary): object {
  return {
    file: path,
    disk_bytes: diskBytes,
    agent_running: isAgentRunning,
    records: total(boots, 'items'),
    bytes: total(boots, 'bodyBytes'),
    dropped,
    boots: boots.map(({ waiting, dropped: droppedOfBoot }) => ({
      boot_id: waiting.lane,
      records: waiting.items,
      bytes: waiting.bodyBytes,
      earliest: waiting.earliestMs,
      latest: waiting.latestMs,
      dropped: droppedOfBoot,
    })),
  };
}

function asText(summary: OutboxSummary): string {
  const { path, diskBytes, isAgentRunning, boots, dropped } = summary;
  const lines = boots.map(
    ({ waiting: { lane, items, earliestMs, latestMs }, dropped: gone }) =>
      `  boot ${lane}: ${count(items)} from ${time(earliestMs)} to ${time(latestMs)}` +
      (gone > 0 ? `, ${count(gone)} dropped` : ''),
  );
  const waiting = total(boots, 'items');
  const bytes = megabytes(total(boots, 'bodyBytes'));
  return [
    waiting === 0 ? `nothing waits in ${path}` : `${count(waiting)} wait in ${path} (${bytes})`,
    ...lines,
    ...(dropped > 0 ? [`${count(dropped)} dropped since this file was begun`] : []),
    ...(diskBytes > 0 ? [`${megabytes(diskBytes)} on disk`] : []),
    isAgentRunning ? 'an agent works with it' : 'no agent runs here',
    '',
  ].join('\n');
}

function total(boots: OutboxSummary['boots'], what: 'items' | 'bodyBytes'): number {
  return boots.reduce((sum, boot) => sum + boot.waiting[what], 0);
}

function count(records: number): string {
  return `${records.toLocaleString('en')} ${wordFor(records, 'record')}`;
}

function megabytes(bytes: number): string {
  return `${(bytes / MiB).toFixed(1)} MiB`;
}

/** A damaged file may hold what is no time. */
function time(ms: number): string {
  const date = new Date(ms);
  return Number.isNaN(date.getTime()) ? `${ms} ms (no time: damaged)` : date.toISOString();
}
