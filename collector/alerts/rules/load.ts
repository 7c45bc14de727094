/** The alerts file: rules, notifiers and silences. Read as a whole or not at all. */
import { readFileSync, statSync } from 'node:fs';
import { z } from 'zod';
import { whatIsWrong } from '../../../runtime/config/issue.ts';
import { duration } from '../../../runtime/config/units.ts';
import { parseYaml } from '../../../runtime/config/yaml.ts';
import { type ErrorDetails, fileTroubleOf, WindrowError } from '../../../runtime/errors.ts';
import { isInside, readOwn } from '../../../runtime/program.ts';
import { type Notifiers, notifiersSchema } from '../notifiers/settings.ts';
import { type Silence, silencesSchema } from '../stages/silence.ts';
import { compileRule, type Rule, ruleSchema } from './rule.ts';

const fileBytesMax = 256 * 1024;
const rulesMax = 200;

const alertsFileSchema = z.strictObject({
  rules: z.array(ruleSchema).max(rulesMax).default([]),
  notifiers: notifiersSchema.default({}).describe('Who is told; nobody by default.'),
  silences: silencesSchema
    .default([])
    .describe('When nobody is told; the alerts go on and are shown.'),
  group_wait: duration('0s', '1s')
    .prefault('500ms')
    .describe('What one rule finds within this time goes out together.'),
});

/** JSON Schema (2020-12) of the file, for editors. */
export function alertsJsonSchema(): object {
  const schema = z.toJSONSchema(alertsFileSchema, { io: 'input', unrepresentable: 'any' });
  return { ...schema, title: 'windrow alerts' };
}

export interface AlertsFile {
  readonly path: string;
  readonly rules: readonly Rule[];
  readonly notifiers: Notifiers;
  readonly silences: readonly Silence[];
  readonly groupWaitMs: number;
}

/**
 * @param givenBy the setting or flag that names the file
 * @throws WindrowError `config` naming the file, the rule and the key that is wrong
 */
export function loadAlertsFile(path: string, givenBy = 'alerts'): AlertsFile {
  return parseAlerts(readText(path, givenBy), path);
}

/** @throws WindrowError `config` */
export function parseAlerts(text: string, path: string): AlertsFile {
  const root = parseYaml(text, path);
  // Most likely it is just being written; without its rules all that fires would be over.
  if (root === undefined) throw wrong(path, 'is empty; `rules: []` says that there are no rules');
  const parsed = alertsFileSchema.safeParse(root);
  if (!parsed.success) throw wrong(path, firstIssue(parsed.error, root));
  const { rules, notifiers, silences, group_wait: groupWaitMs } = parsed.data;
  const names = rules.map(({ name }) => name);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) throw wrong(path, `rule ${twice}: name: is there twice`);
  checkSilences(silences, names, path);
  const notifierNames = Object.keys(notifiers);
  return {
    path,
    rules: rules.map((rule) => withPath(path, () => compileRule(rule, notifierNames))),
    notifiers,
    silences,
    groupWaitMs,
  };
}

/** A rule that was renamed must not begin to wake people at night. */
function checkSilences(silences: readonly Silence[], rules: readonly string[], path: string): void {
  for (const [i, { rules: patterns = [] }] of silences.entries()) {
    const stranger = patterns.find((name) => !name.includes('*') && !rules.includes(name));
    if (stranger === undefined) continue;
    throw wrong(path, `silence number ${i + 1}: rules: there is no rule ${stranger}`, {
      hint: `The rules are: ${rules.join(', ') || 'none'}.`,
    });
  }
}

function readText(path: string, givenBy: string): string {
  try {
    if (isInside(path)) return readOwn(path).toString();
    const about = statSync(path);
    // Reading a device or a pipe might never end.
    if (!about.isFile()) throw wrong(path, 'is not a file');
    if (about.size > fileBytesMax) throw wrong(path, `is larger than ${fileBytesMax / 1024} KiB`);
    return readFileSync(path, 'utf8');
  } catch (cause) {
    if (cause instanceof WindrowError) throw cause;
    throw new WindrowError('config', `${givenBy}: cannot read ${path}: ${fileTroubleOf(cause)}`, {
      cause,
      hint: 'Name a YAML file that this user may read.',
    });
  }
}

function wrong(path: string, message: string, details: ErrorDetails = {}): WindrowError {
  return new WindrowError('config', `${path}: ${message}`, details);
}

function withPath<T>(path: string, compile: () => T): T {
  try {
    return compile();
  } catch (cause) {
    if (!(cause instanceof WindrowError)) throw cause;
    throw wrong(path, cause.message, {
      cause,
      ...(cause.hint === undefined ? {} : { hint: cause.hint }),
    });
  }
}

/** `rule cpu-high: severity: …`; a silence, and a rule without a name, are told by their place. */
function firstIssue(error: z.ZodError, root: unknown): string {
  const [issue] = error.issues;
  if (issue === undefined) return 'is not valid';
  const path = issue.code === 'unrecognized_keys' ? [...issue.path, ...issue.keys] : issue.path;
  const message = issue.code === 'unrecognized_keys' ? 'is not known here' : whatIsWrong(issue);
  const [list, index, ...key] = path;
  if ((list !== 'rules' && list !== 'silences') || typeof index !== 'number') {
    return `${path.map(String).join('.') || 'the file'}: ${message}`;
  }
  const name = list === 'rules' ? nameOf(root, index) : undefined;
  const where = `${list === 'rules' ? 'rule' : 'silence'} ${name ?? `number ${index + 1}`}`;
  return [where, ...(key.length === 0 ? [] : [key.map(String).join('.')]), message].join(': ');
}

function nameOf(root: unknown, index: number): string | undefined {
  const rules = (root as { rules?: unknown }).rules;
  const rule: unknown = Array.isArray(rules) ? rules[index] : undefined;
  const name = typeof rule === 'object' && rule !== null && 'name' in rule ? rule.name : undefined;
  return typeof name === 'string' ? name.slice(0, 64) : undefined;
}
