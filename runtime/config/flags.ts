/** Flags that set settings, the same in every verb. */
import type { Command } from 'commander';
import { flagOf, type Loaded, loadConfig, type Spec } from './load.ts';

/** Adds `--config` and a flag for each of the settings. */
export function withSettings(command: Command, spec: Spec, keys: readonly string[]): Command {
  return withFlags(command, spec, keys).option('--config <file>', 'configuration file');
}

/** Adds a flag for each of the settings. */
export function withFlags(command: Command, spec: Spec, keys: readonly string[]): Command {
  for (const key of keys) {
    const setting = spec[key];
    if (setting === undefined) throw new Error(`${key} is not a setting`);
    const fallback =
      setting.fallback === undefined || String(setting.fallback) === ''
        ? ''
        : ` (default: ${String(setting.fallback)})`;
    command.option(`${flagOf(key, setting)} <${placeholder(key)}>`, `${setting.about}${fallback}`);
  }
  return command;
}

/** What was given by flags that `withFlags` has added: by key, undefined where it was not. */
export function flagsGiven(command: Command, spec: Spec): Record<string, unknown> {
  const options: Record<string, unknown> = command.opts();
  return Object.fromEntries(
    Object.entries(spec).map(([key, setting]) => [
      key,
      options[camelCase(flagOf(key, setting).slice(2))],
    ]),
  );
}

/**
 * The configuration for a verb whose flags were added by `withSettings`.
 * @param given settings by their key that other flags of the verb stand for; undefined: not by a flag
 */
export function settingsOf<S extends Spec>(
  command: Command,
  spec: S,
  program: string,
  given: Readonly<Record<string, unknown>> = {},
): Loaded<S> {
  const flags = flagsGiven(command, spec);
  const { config: configFlag } = command.opts<{ config?: unknown }>();
  return loadConfig(spec, {
    program,
    flags: { ...flags, ...given },
    env: process.env,
    cwd: process.cwd(),
    configFlag: typeof configFlag === 'string' ? configFlag : undefined,
  });
}

/** Where the last word of a key does not say what its value is. */
const placeholders: Readonly<Record<string, string>> = {
  alerts: 'file',
  brokers: 'host:port,…',
  data: 'dir',
  interval: 'duration',
  listen: 'host',
  log: 'level',
  reports: 'dir',
  to: 'url',
};

function placeholder(key: string): string {
  return placeholders[key] ?? key.split(/[._]/).at(-1) ?? 'value';
}

function camelCase(flag: string): string {
  return flag.replaceAll(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
}
