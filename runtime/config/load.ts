/**
 * Configuration in four layers: flags > environment > file > defaults. Every value remembers where
 * it came from. Nothing here touches the network.
 */
import { readFileSync } from 'node:fs';
import { isAbsolute, join, relative, resolve } from 'node:path';
import type { z } from 'zod';
import { fileTroubleOf, systemCodeOf, WindrowError } from '../errors.ts';
import { saysAll, whatIsWrong } from './issue.ts';
import { parseYaml } from './yaml.ts';

/** One setting: how its value is checked, its default as it would be written, what it is for. */
export interface Setting<Schema extends z.ZodType = z.ZodType> {
  readonly schema: Schema;
  readonly fallback: string | number | boolean | readonly string[] | undefined;
  readonly about: string;
  readonly flag?: SettingFlag;
}

export interface SettingFlag {
  /** Where it is not the key's own. */
  readonly name: string;
  /** What the flag says of other settings. */
  readonly implies?: Readonly<Record<string, string>>;
  /** What other settings must be for the flag to count; a flag that would not is refused. */
  readonly needs?: Readonly<Record<string, string>>;
}

/** Settings by dotted key: `processes.interval` is `processes: {interval: …}` in the file. */
export type Spec = Readonly<Record<string, Setting>>;

/** A setting without default may be undefined. */
export type Values<S extends Spec> = {
  readonly [K in keyof S]:
    | z.output<S[K]['schema']>
    | (S[K]['fallback'] extends undefined ? undefined : never);
};

export interface Loaded<S extends Spec> {
  readonly values: Values<S>;
  /** Key → `default`, `--flag`, `WINDROW_…` or the file's path. */
  readonly origins: Readonly<Record<string, string>>;
  /** The values as they were written, for showing. */
  readonly written: Readonly<Record<string, unknown>>;
  readonly file: string | undefined;
  /** WINDROW_ variables that no program knows: most likely a slip of the pen. */
  readonly unknownVariables: readonly string[];
}

export interface Sources {
  /** `agent` or `collector`: names the default file. */
  readonly program: string;
  /** Key → value given by a flag; undefined when it was not given. */
  readonly flags: Readonly<Record<string, unknown>>;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** Value of `--config`. */
  readonly configFlag: string | undefined;
}

/** Variables that are not settings of one program; the password is none, so that nothing shows it. */
const COMMON_VARIABLES = ['WINDROW_CONFIG', 'WINDROW_LOG', 'WINDROW_KAFKA_SASL_PASSWORD'];

export function variableOf(key: string): string {
  return `WINDROW_${key.toUpperCase().replaceAll('.', '_')}`;
}

export function flagOf(key: string, setting: Setting | undefined): string {
  return setting?.flag?.name ?? `--${key.replaceAll(/[._]/g, '-')}`;
}

/** @throws WindrowError `usage` or `config`, naming the flag, variable or file and key that is wrong. */
export function loadConfig<S extends Spec>(spec: S, sources: Sources): Loaded<S> {
  const { path, values: fromFile } = readFile(spec, sources);
  const values: Record<string, unknown> = {};
  const origins: Record<string, string> = {};
  const written: Record<string, unknown> = {};
  const implied = impliedBy(spec, sources.flags);
  for (const [key, setting] of Object.entries(spec)) {
    const [input, origin] = firstGiven([
      [sources.flags[key], flagOf(key, setting)],
      implied.get(key) ?? [undefined, ''],
      [emptyIsAbsent(sources.env[variableOf(key)]), variableOf(key)],
      [fromFile[key], path ?? ''],
      [setting.fallback, 'default'],
    ]);
    values[key] = checked(setting, input, path === origin ? `${origin}: ${key}` : origin);
    origins[key] = origin;
    written[key] = input;
  }
  refuseIdleFlags(spec, sources.flags, { values, origins });
  return {
    values: values as Values<S>,
    origins,
    written,
    file: path,
    unknownVariables: unknownVariables(spec, sources.env),
  };
}

/** What flags say of other settings than their own, with the flag that says it. */
function impliedBy(spec: Spec, flags: Sources['flags']): ReadonlyMap<string, [string, string]> {
  const given = Object.entries(spec).filter(([key]) => flags[key] !== undefined);
  return new Map(
    given.flatMap(([key, setting]) =>
      Object.entries(setting.flag?.implies ?? {}).map(([other, text]) => [
        other,
        [text, flagOf(key, setting)],
      ]),
    ),
  );
}

/** Flags win over all else: one that cannot must not be passed over in silence. */
function refuseIdleFlags(
  spec: Spec,
  flags: Sources['flags'],
  { values, origins }: Readonly<Record<'values' | 'origins', Readonly<Record<string, unknown>>>>,
): void {
  for (const [key, setting] of Object.entries(spec)) {
    if (flags[key] === undefined) continue;
    const flag = flagOf(key, setting);
    for (const [other, needed] of Object.entries(setting.flag?.needs ?? {})) {
      if (values[other] === needed) continue;
      const origin = String(origins[other]);
      if (origin.startsWith('--')) {
        throw new WindrowError('usage', `${flag} and ${origin} exclude each other`);
      }
      throw new WindrowError(
        'usage',
        `${flag} would not count: ${origin} says ${other}: ${String(values[other])}`,
        { hint: `Leave out ${flag}, or set ${other}: ${needed} there.` },
      );
    }
  }
}

function firstGiven(candidates: readonly (readonly [unknown, string])[]): [unknown, string] {
  const found = candidates.find(([input]) => input !== undefined && input !== null);
  return found === undefined ? [undefined, 'default'] : [...found];
}

function emptyIsAbsent(text: string | undefined): string | undefined {
  return text === '' ? undefined : text;
}

function checked(setting: Setting, input: unknown, where: string): unknown {
  if (input === undefined) return undefined;
  const parsed = setting.schema.safeParse(input);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  // A wrong flag is a slip of who typed it; a wrong file or variable is a bad configuration.
  const code = where.startsWith('--') ? 'usage' : 'config';
  const fault = whatIsWrong(issue);
  const told = saysAll(issue) ? fault : ` ${fault}, not ${withoutPasswords(input)}`;
  throw new WindrowError(code, `${where}${told}`, { hint: setting.about });
}

/** What stands before the @ of an address is nobody's to read in a log, wherever it begins. */
function withoutPasswords(input: unknown): string {
  return JSON.stringify(input).replace(/^(\W*).*@/, '$1…@');
}

function unknownVariables(spec: Spec, env: Sources['env']): string[] {
  const known = new Set([...Object.keys(spec).map(variableOf), ...COMMON_VARIABLES]);
  return Object.keys(env).filter((name) => name.startsWith('WINDROW_') && !known.has(name));
}

interface FileValues {
  readonly path: string | undefined;
  readonly values: Readonly<Record<string, unknown>>;
}

function readFile(spec: Spec, sources: Sources): FileValues {
  const variable = emptyIsAbsent(sources.env['WINDROW_CONFIG']);
  const asked = sources.configFlag ?? variable;
  const path = asked ?? join('config', `${sources.program}.yaml`);
  const fullPath = resolve(sources.cwd, path);
  let text: string;
  try {
    text = readFileSync(fullPath, 'utf8');
  } catch (error) {
    if (asked === undefined && systemCodeOf(error) === 'ENOENT') {
      return { path: undefined, values: {} };
    }
    const origin = sources.configFlag === undefined ? 'WINDROW_CONFIG' : '--config';
    throw new WindrowError(
      'config',
      `${asked === undefined ? '' : `${origin}: `}cannot read ${path}: ${fileTroubleOf(error)}`,
      { cause: error, hint: 'Name a YAML file that this user may read.' },
    );
  }
  const shown = relative(sources.cwd, fullPath);
  // On Windows it may be on another drive.
  const isBelow = !shown.startsWith('..') && !isAbsolute(shown);
  return { path: isBelow ? shown : path, values: flatValues(spec, text, path) };
}

function flatValues(spec: Spec, text: string, path: string): Record<string, unknown> {
  const root = parseYaml(text, path);
  const flat: Record<string, unknown> = {};
  if (root === undefined) return flat;
  flatten(root, '', { spec, path, flat });
  return flat;
}

interface Flattening {
  readonly spec: Spec;
  readonly path: string;
  readonly flat: Record<string, unknown>;
}

function flatten(node: unknown, prefix: string, to: Flattening): void {
  if (typeof node !== 'object' || node === null || Array.isArray(node)) {
    const where = prefix === '' ? to.path : `${to.path}: ${prefix}`;
    throw new WindrowError('config', `${where} must hold keys and values`);
  }
  for (const [name, value] of Object.entries(node)) {
    const key = prefix === '' ? name : `${prefix}.${name}`;
    if (Object.hasOwn(to.spec, key)) to.flat[key] = value;
    else if (Object.keys(to.spec).some((known) => known.startsWith(`${key}.`))) {
      if (value !== null) flatten(value, key, to);
    } else throw unknownKey(to, key);
  }
}

function unknownKey({ spec, path }: Flattening, key: string): WindrowError {
  return new WindrowError('config', `${path}: ${key} is not a setting`, {
    hint: `The settings are: ${Object.keys(spec).join(', ')}.`,
  });
}
