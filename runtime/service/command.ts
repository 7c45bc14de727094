/** The verbs `service install` and `service uninstall`, the same for both programs. */
import { Command } from 'commander';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { flagsGiven, withFlags } from '../config/flags.ts';
import { type Loaded, loadConfig, type Spec } from '../config/load.ts';
import {
  checkMayChange,
  checkMayInstall,
  type Installation,
  installService,
  placesOf,
  type SystemdService,
  uninstallService,
} from './systemd.ts';

export interface ServiceCommandOptions<S extends Spec> extends SystemdService {
  readonly spec: S;
  /** Settings that `install` takes as flags. */
  readonly flags: readonly (keyof S & string)[];
  /** Checks what one setting alone cannot tell. @throws WindrowError */
  readonly check: (loaded: Loaded<S>) => void;
}

const tokenKey = 'token_file';

export function serviceCommand<S extends Spec>(options: ServiceCommandOptions<S>): Command {
  const say = (line: string): void => void process.stdout.write(`${line}\n`);
  const { spec, flags } = options;
  const places = placesOf(options);
  const install = withFlags(new Command('install'), spec, flags)
    .description(`run it as a service of systemd from ${places.executable}, now and at each start`)
    .action(() => {
      checkMayInstall();
      installService(options, checkedInstallation(options, flagsGiven(install, spec)), say);
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

/** Checks the settings as the service will have them, before anything is changed. @throws WindrowError */
function checkedInstallation<S extends Spec>(
  options: ServiceCommandOptions<S>,
  given: Readonly<Record<string, unknown>>,
): Installation {
  const { settings, token } = placesOf(options);
  const asked = given[tokenKey];
  const ofBefore = existsSync(token) ? token : undefined;
  const tokenFile = typeof asked === 'string' ? resolve(asked) : ofBefore;
  const loaded = loadConfig(options.spec, {
    program: options.program,
    // The settings' file names the place where the service alone finds it.
    flags: tokenFile === undefined ? given : { ...given, [tokenKey]: tokenFile },
    env: {},
    cwd: dirname(settings),
    configFlag: existsSync(settings) ? settings : undefined,
  });
  options.check(loaded);
  // Those that a flag implies too: `--kafka` is a transport and its brokers.
  const keys = Object.keys(loaded.origins).filter((key) => loaded.origins[key]?.startsWith('--'));
  return {
    settings: Object.fromEntries(
      keys.filter((key) => key !== tokenKey).map((key) => [key, loaded.written[key]]),
    ),
    token: typeof asked === 'string' ? readFileSync(resolve(asked), 'utf8').trim() : undefined,
  };
}
