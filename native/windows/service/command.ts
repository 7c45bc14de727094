/** The verbs `service …` on Windows, the same for both programs. `service run` is none: they have it before. */
import { Command } from 'commander';
import { existsSync, readFileSync } from 'node:fs';
import { flagsGiven, withFlags } from '../../../runtime/config/flags.ts';
import type { Spec } from '../../../runtime/config/load.ts';
import { writeFileDurably } from '../../../runtime/durable-file.ts';
import { EXIT, WindrowError } from '../../../runtime/errors.ts';
import { isSingleFile, readOwn } from '../../../runtime/program.ts';
import {
  checkedInstallation,
  type Installable,
  type Installation,
} from '../../../runtime/service/installation.ts';
import { withSettingsIn } from '../../../runtime/service/settings-file.ts';
import { windowsAddon } from '../addon.ts';
import { ServiceManager, type WindowsService } from './manager.ts';
import { type Folder, placesOf } from './places.ts';

export interface WindowsServiceOptions<S extends Spec> extends WindowsService, Installable<S> {}

export function windowsServiceCommand<S extends Spec>(options: WindowsServiceOptions<S>): Command {
  const say = (line: string): void => void process.stdout.write(`${line}\n`);
  const { spec, flags } = options;
  const places = placesOf(options.program, process.env);
  const { folder } = places;
  const manager = (): ServiceManager => new ServiceManager(windowsAddon(), options, places, say);
  const install = withFlags(new Command('install'), spec, flags)
    .description(`run it as a service from ${places.executable}, now and at each start`)
    .action(async () => {
      checkSingleFile();
      const services = manager();
      services.checkMayChange();
      const installation = installationIn(folder, options, flagsGiven(install, spec));
      const configure = (): void => writeInstallation(options.defaults, folder, installation);
      await services.install(process.execPath, configure);
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
    .action(() => manager().control.start());
  const stop = new Command('stop')
    .description('stop it, and wait until it has stopped')
    .action(() => manager().control.stop());
  const restart = new Command('restart')
    .description('stop it if it runs, and start it')
    .action(async () => {
      const { control } = manager();
      await control.stop();
      await control.start();
    });
  const status = new Command('status')
    .description('say how it is; exit code 1 unless it runs')
    .action(() => {
      if (!manager().control.status()) process.exitCode = EXIT.failure;
    });
  const service = new Command('service').description('run this program as a service of Windows');
  for (const verb of [install, uninstall, start, stop, restart, status]) service.addCommand(verb);
  return service;
}

/**
 * Its data is in its folder, unless the settings there name another.
 * @param given settings by flags
 * @throws WindrowError
 */
export function installationIn<S extends Spec>(
  folder: Folder,
  installable: Installable<S>,
  given: Readonly<Record<string, unknown>>,
): Installation {
  return checkedInstallation(installable, folder, given, { data: folder.data });
}

/** In a folder that is there by now, for the service and administrators alone. */
function writeInstallation(defaults: string, folder: Folder, installation: Installation): void {
  const { settings, token } = installation;
  if (token !== undefined) writeFileDurably(folder.token, `${token}\n`);
  const before = existsSync(folder.settings) ? readFileSync(folder.settings) : readOwn(defaults);
  const named = token === undefined ? {} : { token_file: folder.token };
  writeFileDurably(folder.settings, withSettingsIn(before.toString(), { ...settings, ...named }));
}

function checkSingleFile(): void {
  if (isSingleFile) return;
  throw new WindrowError('usage', 'only the single file can install itself as a service');
}
