import { Command, Option } from 'commander';
import { existsSync } from 'node:fs';
import type { DatabaseSync } from 'node:sqlite';
import { settingsOf, withSettings } from '../../runtime/config/flags.ts';
import { WindrowError } from '../../runtime/errors.ts';
import { timestampMsMax } from '../../wire/limits.ts';
import { COLLECTOR_SPEC, type CollectorConfig, reportsFolder } from '../config.ts';
import { loadReport } from '../reports/load.ts';
import { csvLines, jsonRows, orderedRows } from '../reports/report.ts';
import { databasePath, openForReading } from '../store/database.ts';
import { storedFleetWindows, storedSamples, storedWindows } from '../store/history.ts';
import type { Span } from '../store/queries.ts';
import { jsonLines, writeOutput } from './output.ts';
import {
  FLEET_TABLE,
  SAMPLES_TABLE,
  type Table,
  tableCsv,
  tableRows,
  WINDOWS_TABLE,
} from './tables.ts';
import { parseTime } from './time-option.ts';

type Format = 'csv' | 'json';

interface Options {
  readonly report?: string;
  readonly fleet?: boolean;
  readonly from?: string;
  readonly to?: string;
  readonly format: Format;
  readonly out?: string;
}

export function exportCommand(): Command {
  return new Command('export')
    .description('write stored history, also while the collector runs')
    .addCommand(
      kind('windows')
        .description('write the windows of servers, or of the fleet')
        .option('--report <name>', 'columns, rounding and labels of a report')
        .option('--fleet', 'the windows of the whole fleet'),
    )
    .addCommand(kind('samples').description('write the samples'));
}

function kind(what: 'windows' | 'samples'): Command {
  const command = withSettings(new Command(what), COLLECTOR_SPEC, ['data', 'reports'])
    .option('--from <time>', 'from this time on: ISO 8601, epoch ms, or how long ago (24h)')
    .option('--to <time>', 'before this time')
    .addOption(new Option('--format <format>').choices(['csv', 'json']).default('csv'))
    .option('--out <file>', 'write to a file, which appears only when it is whole')
    .action(async (options: Options) => {
      const { values } = settingsOf(command, COLLECTOR_SPEC, 'collector');
      const span = spanOf(options);
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
  what: 'windows' | 'samples',
  options: Options & { config: CollectorConfig; span: Span },
): Promise<Pieces> {
  const { span, format, report, fleet } = options;
  if (report !== undefined && fleet) {
    throw new WindrowError('usage', '--report and --fleet exclude each other', {
      hint: 'A report is over the windows of servers.',
    });
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

function spanOf({ from, to }: Options): Span {
  const nowMs = Date.now();
  const fromMs = from === undefined ? 0 : parseTime('--from', from, nowMs);
  const toMs = to === undefined ? timestampMsMax : parseTime('--to', to, nowMs);
  if (fromMs < toMs) return { fromMs, toMs };
  throw new WindrowError('usage', '--from is not before --to');
}

function openStore(dataDir: string): DatabaseSync {
  if (existsSync(databasePath(dataDir))) return openForReading(dataDir);
  throw new WindrowError('input', `there is no store in ${dataDir}`, {
    hint: 'Name the data folder of a collector with --data.',
  });
}
