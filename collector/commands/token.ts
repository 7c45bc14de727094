import { Command } from 'commander';
import { settingsOf, withSettings } from '../../runtime/config/flags.ts';
import { systemClock } from '../../runtime/clock.ts';
import { isSingleFile } from '../../runtime/program.ts';
import { isLoopback } from '../api/access.ts';
import { AccessFiles } from '../api/access-files.ts';
import { COLLECTOR_SPEC, type CollectorConfig } from '../config.ts';
import { pageUrlOf } from '../page-url.ts';
import { readRunning } from '../running.ts';

const FLAGS = ['data', 'listen', 'port', 'url'] as const;

export function tokenCommand(): Command {
  return new Command('token')
    .description('let agents and browsers in, when the collector listens beyond this machine')
    .addCommand(createCommand())
    .addCommand(linkCommand());
}

function createCommand(): Command {
  const command = withSettings(new Command('create'), COLLECTOR_SPEC, FLAGS)
    .description('make a token and print the command for the worker PC')
    .option('--name <name>', 'what the token is for, to tell it from others later', 'agent')
    .action((options: { name: string }) => {
      const { values } = settingsOf(command, COLLECTOR_SPEC, 'collector');
      const token = new AccessFiles(values.data).createToken(options.name, systemClock.wallMs());
      const url = urlOf(values);
      const agent = isSingleFile ? './windrow-agent-linux-x64' : 'npx windrow-agent';
      const isOnKafka = values.transport === 'kafka';
      const verb = isOnKafka ? 'send PATH' : 'run';
      process.stdout.write(
        (isOnKafka ? samplesByKafka(values, agent) : '') +
          `On the worker PC, in the folder of windrow:\n\n` +
          `  (umask 077; echo ${token} > windrow.token) && ${agent} ${verb} --to ${url} --token-file windrow.token\n\n` +
          'The token is shown this once. It is good for any number of PCs.\n',
      );
      warnOfLoopback(values, url);
    });
  return command;
}

/** Such a collector takes files by HTTP, and no samples. */
function samplesByKafka({ brokers }: CollectorConfig, agent: string): string {
  return (
    'This collector takes samples from Kafka, and agents need no token for that:\n\n' +
    `  ${agent} run --kafka ${brokers.join(',')}\n\n` +
    'The token is for files that are sent straight to the collector, for `monitor --to` and for /metrics.\n\n'
  );
}

function linkCommand(): Command {
  const command = withSettings(new Command('link'), COLLECTOR_SPEC, FLAGS)
    .description('make a link that opens the page in one browser, once, within an hour')
    .action(() => {
      const { values } = settingsOf(command, COLLECTOR_SPEC, 'collector');
      const code = new AccessFiles(values.data).createLink(systemClock.wallMs());
      process.stdout.write(`${urlOf(values)}/enter?code=${code}\n`);
    });
  return command;
}

/** Where the running collector is; else where the configuration says that one would be. */
export function urlOf(config: CollectorConfig): string {
  return readRunning(config.data)?.url ?? pageUrlOf(config, config.port);
}

function warnOfLoopback(config: CollectorConfig, url: string): void {
  const host = URL.parse(url)?.hostname ?? '';
  if (!isLoopback(host)) return;
  process.stderr.write(
    `note: ${url} is reached from this machine alone. For other PCs: ` +
      `windrow-collector serve --listen 0.0.0.0 --data ${config.data}\n`,
  );
}
