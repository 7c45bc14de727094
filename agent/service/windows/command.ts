/** The verbs `service …` on Windows. `service run` is not among them: launch.js has it. */
import { Command } from 'commander';
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { windowsAddon } from '../../../native/windows/addon.ts';
import { flagsGiven, withFlags } from '../../../runtime/config/flags.ts';
import { loadConfig } from '../../../runtime/config/load.ts';
import { writeFileDurably } from '../../../runtime/durable-file.ts';
import { EXIT, WindrowError } from '../../../runtime/errors.ts';
import { isSingleFile, ownPath, readOwn } from '../../../runtime/program.ts';
import { withSettingsIn } from '../../../runtime/service/settings-file.ts';
import { AGENT_SPEC } from '../../config.ts';
import { checkConnection } from '../../connect.ts';
import { ServiceManager } from './manager.ts';
import { type Folder, placesOf } from './places.ts';

const FLAGS = ['to', 'brokers', 'token_file', 'server_id'] as const;
const defaults = ownPath(new URL('../../../config/agent.yaml', import.meta.url));

export function windowsServiceCommand(): Command {
  const say = (line: string): void => void process.stdout.write(`${line}\n`);
  const places = placesOf(process.env);
  const manager = (): ServiceManager => new ServiceManager(windowsAddon(), places, say);
  const install = withFlags(new Command('install'), AGENT_SPEC, FLAGS)
    .description(`run it as a service from ${places.executable}, now and at each start`)
    .action(async () => {
      checkSingleFile();
      const services = manager();
      services.checkMayChange();
      const write = checkedInstallation(places.folder, flagsGiven(install, AGENT_SPEC));
      await services.install(process.execPath, write);
    });
  const uninstall = new Command('uninstall')
    .description('stop the service and remove it; its data stays')
    .option('--purge', 'remove its data and settings too')
    .action(async ({ purge = false }: { purge?: boolean }) => {
      const services = manager();
      services.checkMayChange();
      await services.uninstall(purge);
    });
  const start = new Command('start')
    .description('start it, and wait until it runs')
    .action(() => manager().start());
  const stop = new Command('stop')
    .description('stop it, and wait until it has stopped')
    .action(() => manager().stop());
  const restart = new Command('restart')
    .description('stop it if it runs, and start it')
    .action(async () => {
      await manager().stop();
      await manager().start();
    });
  const status = new Command('status')
    .description('say how it is; exit code 1 unless it runs')
    .action(() => {
      if (!manager().status()) process.exitCode = EXIT.failure;
    });
  const service = new Command('service').description('run this program as a service of Windows');
  for (const verb of [install, uninstall, start, stop, restart, status]) service.addCommand(verb);
  return service;
}

/**
 * Checks the settings as the service will have them, before anything is changed.
 * @returns what writes them; what is not given stays as it was
 * @throws WindrowError
 */
function checkedInstallation(folder: Folder, given: Record<string, unknown>): () => void {
  const { settings, token } = folder;
  const asked = given['token_file'];
  const tokenFile =
    typeof asked === 'string' ? resolve(asked) : existsSync(token) ? token : undefined;
  const isNew = !existsSync(settings);
  const loaded = loadConfig(AGENT_SPEC, {
    program: 'agent',
    flags: { ...given, data: folder.data, token_file: tokenFile },
    env: {},
    cwd: folder.path,
    configFlag: isNew ? undefined : settings,
  });
  checkConnection(loaded.values);
  const flagged = Object.keys(loaded.origins).filter((key) =>
    loaded.origins[key]?.startsWith('--'),
  );
  const changes = {
    ...Object.fromEntries(flagged.map((key) => [key, loaded.written[key]])),
    ...(tokenFile === undefined ? {} : { token_file: token }),
  };
  const before = isNew ? readOwn(defaults) : readFileSync(settings);
  const secret = typeof asked === 'string' ? readFileSync(resolve(asked), 'utf8').trim() : '';
  return () => {
    if (secret !== '') writeFileDurably(token, `${secret}\n`);
    writeFileDurably(settings, withSettingsIn(before.toString(), changes));
  };
}

function checkSingleFile(): void {
  if (isSingleFile) return;
  throw new WindrowError('usage', 'only the single file can install itself as a service');
}
