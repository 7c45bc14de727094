import { Command, Option } from 'commander';
import type { DatabaseSync } from 'node:sqlite';
import { settingsOf, withSettings } from '../../runtime/config/flags.ts';
import { WindrowError } from '../../runtime/errors.ts';
import { COLLECTOR_SPEC, type CollectorConfig, reportsFolder } from '../config.ts';
import { storedTransitions } from '../alerts/store.ts';
import { loadReport } from '../reports/load.ts';
import { csvLines, jsonRows, orderedRows } from '../reports/report.ts';
import {
  type Selection,
  storedFleetWindows,
  storedSamples,
  storedWindows,
} from '../store/history.ts';
import { storedQuarantine } from '../store/quarantine.ts';
import { openStore } from './open-store.ts';
import { jsonLines, writeOutput } from './output.ts';
import {
  ALERTS_TABLE,
  FLEET_TABLE,
  QUARANTINE_TABLE,
  SAMPLES_TABLE,
  type Table,
  tableCsv,
  tableRows,
  WINDOWS_TABLE,
} from './tables.ts';
import { spanOf } from './time-option.ts';

type Format = 'csv' | 'json';

interface Options {
  readonly report?: string;
  readonly fleet?: boolean;
  readonly from?: string;
  readonly to?: string;
  readonly format: Format;
  readonly out?: string;
  readonly source?: string;
}

export function exportCommand(): Command {
  return new Command('export')
    .description('write stored history, also while the collector runs')
    .addCommand(
      kind('windows')
        .description('write the windows of servers, or of the fleet')
        .option('--report <name>', 'columns, rounding and labels of a report')
        .option('--fleet', 'the windows of the whole fleet')
        .addOption(sourceOption()),
    )
    .addCommand(kind('samples').description('write the samples').addOption(sourceOption()))
    .addCommand(kind('alerts').description('write every step that an alert took'))
    .addCommand(kind('quarantine').description('write the records that were put aside, and why'));
}

function sourceOption(): Option {
  return new Option(
    '--source <source>',
    'only live servers (live), or one replayed file (the source that replay printed)',
  );
}

type Kind = 'windows' | 'samples' | 'alerts' | 'quarantine';

function kind(what: Kind): Command {
  const command = withSettings(new Command(what), COLLECTOR_SPEC, ['data', 'reports'])
    .option('--from <time>', 'from this time on: ISO 8601, epoch ms, or how long ago (24h)')
    .option('--to <time>', 'before this time')
    .addOption(new Option('--format <format>').choices(['csv', 'json']).default('csv'))
    .option('--out <file>', 'write to a file, which appears only when it is whole')
    .action(async (options: Options) => {
      const { values } = settingsOf(command, COLLECTOR_SPEC, 'collector');
      const span = selectionOf(options);
      const pieces = await selection(what, { ...options, config: values, span });
      const db = openStore(values.data);
      try {
        await writeOutput(pieces(db), options.out);
      } finally {
        db.close();
      }
    });
  return command;
}

type Pieces = (db: DatabaseSync) => Iterable<string>;

async function selection(
  what: Kind,
  options: Options & { config: CollectorConfig; span: Selection },
): Promise<Pieces> {
  const { span, format, report, fleet } = options;
  if (fleet && options.source !== undefined) {
    throw new WindrowError('usage', '--source and --fleet exclude each other');
  }
  if (report !== undefined && fleet) {
    throw new WindrowError('usage', '--report and --fleet exclude each other', {
      hint: 'A report is over the windows of servers.',
    });
  }
  if (what === 'alerts') return (db) => table(ALERTS_TABLE, storedTransitions(db, span), format);
  if (what === 'quarantine') {
    return (db) => table(QUARANTINE_TABLE, storedQuarantine(db, span), format);
  }
  if (what === 'samples') return (db) => table(SAMPLES_TABLE, storedSamples(db, span), format);
  if (fleet) return (db) => table(FLEET_TABLE, storedFleetWindows(db, span), format);
  if (report === undefined) {
    return (db) => table(WINDOWS_TABLE, storedWindows(db, span), format);
  }
  const definition = await loadReport(reportsFolder(options.config), report);
  return (db) => {
    const windows = storedWindows(db, span).map((window) => ({
      serverId: window.serverId,
      window,
    }));
    const rows = orderedRows(definition, windows);
    return format === 'csv' ? csvLines(definition, rows) : jsonLines(jsonRows(definition, rows));
  };
}

function table<T>(kindOf: Table<T>, stored: Iterable<T>, format: Format): Iterable<string> {
  return format === 'csv' ? tableCsv(kindOf, stored) : jsonLines(tableRows(kindOf, stored));
}

function selectionOf({ from, to, source }: Options): Selection {
  return {
    ...spanOf({ from, to }),
    replayId: source === undefined ? undefined : replayIdOf(source),
  };
}

function replayIdOf(source: string): string {
  if (source === 'live') return '';
  if (/^[0-9a-f]{64}$/.test(source)) return source;
  throw new WindrowError('usage', `--source: ${source} is neither live nor a SHA-256`, {
    hint: 'A replay prints its own. Of a file sent to a collector, or with dates of its own, `sha256sum FILE` gives the same.',
  });
}
