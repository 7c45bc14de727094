/** The verbs `config check` and `config show`, the same for both programs. */
import { Command } from 'commander';
import type { Finding } from '../doctor.ts';
import { settingsOf, withSettings } from './flags.ts';
import type { Loaded, Spec } from './load.ts';
import { describeCheck, describeConfig } from './show.ts';

export interface ConfigCommandOptions<S extends Spec> {
  readonly spec: S;
  readonly program: string;
  /** Settings that verbs take as flags. */
  readonly flags: readonly string[];
  /** Checks what one setting alone cannot tell; touches no network. @throws WindrowError */
  readonly check: (loaded: Loaded<S>) => void;
  /** What looks like a slip in settings that are good otherwise. */
  readonly slip: (loaded: Loaded<S>) => Finding | undefined;
}

export function configCommand<S extends Spec>(options: ConfigCommandOptions<S>): Command {
  const { spec, program, flags } = options;
  const config = new Command('config').description('look at the configuration');
  const check = withSettings(new Command('check'), spec, flags)
    .description('say whether the configuration is good; never touches the network')
    .action(() => {
      const loaded = settingsOf(check, spec, program);
      options.check(loaded);
      process.stdout.write(describeCheck(loaded, options.slip(loaded)));
    });
  const show = withSettings(new Command('show'), spec, flags)
    .description('show every setting and where its value comes from')
    .action(() => {
      process.stdout.write(describeConfig(settingsOf(show, spec, program)));
    });
  return config.addCommand(check).addCommand(show);
}
