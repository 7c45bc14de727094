/** `alert check` and `alert test`: whether rules are good, and what they would have found. */
import { Command, Option } from 'commander';
import { durationText } from '../alerts/wording.ts';
import type { Transition } from '../alerts/alert.ts';
import { rehearse } from '../alerts/rehearsal.ts';
import { type AlertsFile, loadAlertsFile } from '../alerts/rules/load.ts';
import type { Rule } from '../alerts/rules/rule.ts';
import { settingsOf, withSettings } from '../../runtime/config/flags.ts';
import { alertsPath, checkSettings, COLLECTOR_SPEC, windowSettings } from '../config.ts';
import { openStore } from './open-store.ts';
import { jsonLines, writeOutput } from './output.ts';
import { spanOf } from './time-option.ts';
import { ALERTS_TABLE, tableRows } from './tables.ts';

export function alertCommand(): Command {
  return new Command('alert')
    .description('look at alert rules')
    .addCommand(checkCommand())
    .addCommand(testCommand());
}

interface RulesOption {
  readonly rules?: string;
}

function checkCommand(): Command {
  const command = withRules('check')
    .description('say whether the rules are good; never touches the network')
    .action(async (options: RulesOption) => {
      const { values } = settingsOf(command, COLLECTOR_SPEC, 'collector');
      await writeOutput(described(loadRules(options, values)), undefined);
    });
  return command;
}

interface TestOptions extends RulesOption {
  readonly from: string;
  readonly to?: string;
  readonly format: 'table' | 'json';
}

function testCommand(): Command {
  const command = withRules('test')
    .description('say what the rules would have found in the stored history; writes nothing')
    .requiredOption('--from <time>', 'from this time on: ISO 8601, epoch ms, or how long ago (24h)')
    .option('--to <time>', 'before this time')
    .addOption(new Option('--format <format>').choices(['table', 'json']).default('table'))
    .action(async (options: TestOptions) => {
      const { values } = settingsOf(command, COLLECTOR_SPEC, 'collector');
      checkSettings(values);
      const { windowMs } = windowSettings(values);
      const span = spanOf(options);
      const file = loadRules(options, values);
      const db = openStore(values.data);
      try {
        const found = rehearse(db, file.rules, { ...span, windowMs });
        const isTable = options.format === 'table';
        await writeOutput(
          isTable ? lines(found) : jsonLines(tableRows(ALERTS_TABLE, found)),
          undefined,
        );
      } finally {
        db.close();
      }
      tellLeftOut(file.rules);
    });
  return command;
}

function withRules(name: string): Command {
  return withSettings(new Command(name), COLLECTOR_SPEC, ['data']).option(
    '--rules <file>',
    'file of alert rules; the one that the collector uses when not given',
  );
}

function loadRules({ rules }: RulesOption, values: Parameters<typeof alertsPath>[0]): AlertsFile {
  return rules === undefined
    ? loadAlertsFile(alertsPath(values))
    : loadAlertsFile(rules, '--rules');
}

/** Whether a silent server had said goodbye is not in the history. */
function tellLeftOut(rules: readonly Rule[]): void {
  const silent = rules.filter(({ silentMs }) => silentMs !== undefined).map(({ name }) => name);
  if (silent.length === 0) return;
  process.stderr.write(
    `left out, as history does not tell who said goodbye: ${silent.join(', ')}\n`,
  );
}

function* described({ path, rules, notifiers, silences }: AlertsFile): Generator<string> {
  for (const rule of rules) {
    const { name, severity, condition, silentMs, forMs, notify } = rule;
    const what = condition?.when.text ?? `silent for ${durationText(silentMs ?? 0)}`;
    const held = forMs === 0 ? '' : ` for ${durationText(forMs)}`;
    const told = notify.length === 0 ? 'nobody' : notify.join(', ');
    yield `${name.padEnd(24)}  ${severity.padEnd(8)}  ${what}${held}  # tells ${told}\n`;
  }
  const names = Object.keys(notifiers).length;
  yield `${path} is good: ${rules.length} rules, ${names} notifiers, ${silences.length} silences\n`;
}

function* lines(found: Iterable<Transition>): Generator<string> {
  let count = 0;
  for (const { atMs, kind, rule, server, reason } of found) {
    count += 1;
    const subject = server === '' ? '(fleet)' : server;
    yield `${new Date(atMs).toISOString()}  ${kind.padEnd(8)}  ${rule.padEnd(20)}  ${subject.padEnd(20)}  ${reason}\n`;
  }
  if (count === 0) yield 'nothing would have happened\n';
}
