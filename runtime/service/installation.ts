/** What `service install` is to write, checked before anything is changed. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { type Loaded, loadConfig, type Spec } from '../config/load.ts';

/** A program that can become a service. */
export interface Installable<S extends Spec> {
  /** `agent` or `collector` */
  readonly program: string;
  readonly spec: S;
  /** Settings that `install` takes as flags. */
  readonly flags: readonly (keyof S & string)[];
  /** Checks what one setting alone cannot tell. @throws WindrowError */
  readonly check: (loaded: Loaded<S>) => void;
  /** `ownPath` of the file with the defaults in config/. */
  readonly defaults: string;
}

export interface Installation {
  /** What is to stand in the settings' file, by key. */
  readonly settings: Readonly<Record<string, unknown>>;
  /** Text of the token for the service alone; undefined: the one of before, if any. */
  readonly token: string | undefined;
}

const tokenKey = 'token_file';

/**
 * Checks the settings as the service will have them.
 * @param places of the settings' file and of the token's, which need not be there
 * @param given settings by key; undefined where a setting stays as it was
 * @param unlessNamed settings by key for where the settings' file says nothing, instead of defaults
 * @throws WindrowError
 */
export function checkedInstallation<S extends Spec>(
  { program, spec, check }: Installable<S>,
  { settings, token }: { readonly settings: string; readonly token: string },
  given: Readonly<Record<string, unknown>>,
  unlessNamed: Readonly<Record<string, unknown>> = {},
): Installation {
  const asked = given[tokenKey];
  const ofBefore = existsSync(token) ? token : undefined;
  const tokenFile = typeof asked === 'string' ? resolve(asked) : ofBefore;
  const load = (flags: Readonly<Record<string, unknown>>): Loaded<S> =>
    loadConfig(spec, {
      program,
      // The settings' file names the place where the service alone finds it.
      flags: tokenFile === undefined ? flags : { ...flags, [tokenKey]: tokenFile },
      env: {},
      cwd: dirname(settings),
      configFlag: existsSync(settings) ? settings : undefined,
    });
  const { origins } = load(given);
  const unnamed = Object.entries(unlessNamed).filter(([key]) => origins[key] === 'default');
  const loaded = load({ ...given, ...Object.fromEntries(unnamed) });
  check(loaded);
  // Those that a flag implies too: `--kafka` is a transport and its brokers.
  const keys = Object.keys(loaded.origins).filter((key) => loaded.origins[key]?.startsWith('--'));
  return {
    settings: Object.fromEntries(
      keys.filter((key) => key !== tokenKey).map((key) => [key, plain(key, loaded)]),
    ),
    token: typeof asked === 'string' ? readFileSync(resolve(asked), 'utf8').trim() : undefined,
  };
}

/** What came as text, by a flag, is written as a number where it counts as that number. */
function plain(key: string, { values, written }: Loaded<Spec>): unknown {
  const value = values[key];
  return typeof value === 'number' && String(value) === written[key] ? value : written[key];
}
