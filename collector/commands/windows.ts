import { Command } from 'commander';
import { settingsOf, withSettings } from '../../runtime/config/flags.ts';
import { signalOfProcess } from '../../runtime/lifecycle.ts';
import { readSeedACsv, scanSeedACsv } from '../../wire/compat/seed-a-csv.ts';
import { checkSettings, COLLECTOR_SPEC, reportsFolder, windowSettings } from '../config.ts';
import { loadReport } from '../reports/load.ts';
import { csvLines, type ReportWindow, reportRows } from '../reports/report.ts';
import { RowWindows } from '../windows/from-rows.ts';
import { writeOutput } from './output.ts';

/** Malformed rows that are told one by one. */
const toldMax = 10;
/** Times of day are printed as such again, so any day does. */
const firstDayMs = 0;

export function windowsCommand(): Command {
  const command = withSettings(new Command('windows'), COLLECTOR_SPEC, ['reports'])
    .description('make the windows of a CSV file, with no collector')
    .argument('<file>', 'ts|timestamp,server_id,cpu_pct,mem_pct[,net_in,net_out,disk_io]')
    .requiredOption('--report <name>', 'columns, rounding and labels')
    .option('--out <file>', 'write to a file, which appears only when it is whole')
    .action(async (path: string, options: { report: string; out?: string }) => {
      const { values } = settingsOf(command, COLLECTOR_SPEC, 'collector');
      checkSettings(values);
      const definition = await loadReport(reportsFolder(values), options.report);
      const windows = await windowsOf(path, windowSettings(values));
      await writeOutput(csvLines(definition, reportRows(definition, windows)), options.out);
    });
  return command;
}

async function windowsOf(
  path: string,
  settings: ReturnType<typeof windowSettings>,
): Promise<ReportWindow[]> {
  const reading = { firstDayMs, signal: signalOfProcess() };
  const { originMs } = await scanSeedACsv(path, reading);
  const windows: ReportWindow[] = [];
  const engine = new RowWindows({ ...settings, originMs }, (serverId, window) => {
    windows.push({ serverId, window });
  });
  let malformed = 0;
  for await (const row of readSeedACsv(path, reading)) {
    if ('malformed' in row) {
      malformed += 1;
      tellMalformed(path, row, malformed);
    } else {
      engine.push(row);
    }
  }
  engine.end();
  if (malformed > toldMax) process.stderr.write(`${path}: ${malformed} rows in all are left out\n`);
  return windows;
}

function tellMalformed(
  path: string,
  row: { readonly line: number; readonly malformed: string },
  count: number,
): void {
  if (count > toldMax) return;
  process.stderr.write(`${path}: line ${row.line} is left out: ${row.malformed}\n`);
}
