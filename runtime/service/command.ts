/** The verbs `service install` and `service uninstall`, the same for both programs. */
import { Command } from 'commander';
import { flagsGiven, withFlags } from '../config/flags.ts';
import type { Spec } from '../config/load.ts';
import { checkedInstallation, type Installable } from './installation.ts';
import {
  checkMayChange,
  checkMayInstall,
  installService,
  placesOf,
  systemctl,
  type SystemdService,
  uninstallService,
} from './systemd.ts';

export interface ServiceCommandOptions<S extends Spec> extends SystemdService, Installable<S> {}

export function serviceCommand<S extends Spec>(options: ServiceCommandOptions<S>): Command {
  const say = (line: string): void => void process.stdout.write(`${line}\n`);
  const { spec, flags } = options;
  const places = placesOf(options);
  const install = withFlags(new Command('install'), spec, flags)
    .description(`run it as a service of systemd from ${places.executable}, now and at each start`)
    .action(() => {
      checkMayInstall();
      const installation = checkedInstallation(options, places, flagsGiven(install, spec));
      installService(options, { places, systemctl }, process.execPath, installation, say);
    });
  const uninstall = new Command('uninstall')
    .description('stop the service and remove it; its data stays')
    .option('--purge', 'remove its data and settings too')
    .action(({ purge = false }: { purge?: boolean }) => {
      checkMayChange();
      uninstallService(options, purge, say);
    });
  return new Command('service')
    .description('run this program as a service')
    .addCommand(install)
    .addCommand(uninstall);
}
