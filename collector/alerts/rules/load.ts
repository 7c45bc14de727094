/** The alerts file: rules, notifiers and silences. Read as a whole or not at all. */
import { readFileSync, statSync } from 'node:fs';
import { type Document, parseDocument } from 'yaml';
import { z } from 'zod';
import { duration } from '../../../runtime/config/units.ts';
import { messageOf, WindrowError } from '../../../runtime/errors.ts';
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

/** @throws WindrowError `config` naming the file, the rule and the key that is wrong */
export function loadAlertsFile(path: string): AlertsFile {
  return parseAlerts(readText(path), path);
}

/** @throws WindrowError `config` */
export function parseAlerts(text: string, path: string): AlertsFile {
  const document = parseDocument(text);
  const [problem] = document.errors;
  if (problem !== undefined) throw wrong(path, problem.message.split('\n')[0] ?? 'is not YAML');
  const root = valueOf(document, path);
  const parsed = alertsFileSchema.safeParse(root ?? {});
  if (!parsed.success) throw wrong(path, firstIssue(parsed.error, root));
  const { rules, notifiers, silences, group_wait: groupWaitMs } = parsed.data;
  const names = rules.map(({ name }) => name);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) throw wrong(path, `rule ${twice}: name: is there twice`);
  const notifierNames = Object.keys(notifiers);
  return {
    path,
    rules: rules.map((rule) => withPath(path, () => compileRule(rule, notifierNames))),
    notifiers,
    silences,
    groupWaitMs,
  };
}

function readText(path: string): string {
  try {
    const { size } = statSync(path);
    if (size > fileBytesMax) throw wrong(path, `is larger than ${fileBytesMax / 1024} KiB`);
    return readFileSync(path, 'utf8');
  } catch (cause) {
    if (cause instanceof WindrowError) throw cause;
    throw new WindrowError('config', `alerts: cannot read ${path}: ${messageOf(cause)}`, {
      cause,
      hint: 'Name a YAML file that this user may read.',
    });
  }
}

function valueOf(document: Document.Parsed, path: string): unknown {
  try {
    return document.toJS({ maxAliasCount: 0 });
  } catch (cause) {
    // A file of a few lines could unfold to gigabytes.
    throw wrong(path, `aliases are not taken: ${messageOf(cause)}`);
  }
}

function wrong(path: string, message: string): WindrowError {
  return new WindrowError('config', `${path}: ${message}`);
}

function withPath<T>(path: string, compile: () => T): T {
  try {
    return compile();
  } catch (cause) {
    if (!(cause instanceof WindrowError)) throw cause;
    throw new WindrowError('config', `${path}: ${cause.message}`, {
      cause,
      ...(cause.hint === undefined ? {} : { hint: cause.hint }),
    });
  }
}

/** `rule cpu-high: severity: …`; a rule without a name is told by its place. */
function firstIssue(error: z.ZodError, root: unknown): string {
  const [issue] = error.issues;
  if (issue === undefined) return 'is not valid';
  const path = issue.code === 'unrecognized_keys' ? [...issue.path, ...issue.keys] : issue.path;
  const message =
    issue.code === 'unrecognized_keys'
      ? 'is not known here'
      : issue.message.replace(/^Invalid/, 'invalid');
  if (path[0] !== 'rules' || typeof path[1] !== 'number') {
    return `${path.map(String).join('.') || 'the file'}: ${message}`;
  }
  const [, index, ...key] = path;
  const where = `rule ${nameOf(root, index) ?? `number ${index + 1}`}`;
  return `${where}: ${key.length === 0 ? message : `${key.map(String).join('.')}: ${message}`}`;
}

function nameOf(root: unknown, index: number): string | undefined {
  const rules = (root as { rules?: unknown }).rules;
  const rule: unknown = Array.isArray(rules) ? rules[index] : undefined;
  const name = typeof rule === 'object' && rule !== null && 'name' in rule ? rule.name : undefined;
  return typeof name === 'string' ? name.slice(0, 64) : undefined;
}
