/** Reports come from YAML files: `NAME.yaml` in the folder is the report NAME. */
import { readdir } from 'node:fs/promises';
import type { z } from 'zod';
import { parseYaml } from '../../runtime/config/yaml.ts';
import { messageOf, WindrowError } from '../../runtime/errors.ts';
import { isInside, listOwn, readOwn } from '../../runtime/program.ts';
import { type ReportDefinition, reportSchema } from './definition.ts';

const extension = '.yaml';

/** The names of the folder's reports, in order. Throws WindrowError `config`. */
export async function reportNames(folder: string): Promise<string[]> {
  try {
    const files = isInside(folder) ? listOwn(folder) : await readdir(folder);
    return files
      .filter((file) => file.endsWith(extension))
      .map((file) => file.slice(0, -extension.length))
      .sort();
  } catch (cause) {
    throw new WindrowError('config', `reports ${folder}: ${messageOf(cause)}`, { cause });
  }
}

/**
 * Throws WindrowError `usage` for a name that the folder does not have (so a name can never lead
 * out of it) and `config`, naming file and key, for a file that is no report.
 */
export async function loadReport(folder: string, name: string): Promise<ReportDefinition> {
  const names = await reportNames(folder);
  if (!names.includes(name)) {
    const hint =
      names.length === 0 ? `${folder} has no reports` : `the reports are ${names.join(', ')}`;
    throw new WindrowError('usage', `there is no report ${name}`, { hint });
  }
  const path = `${folder}/${name}${extension}`;
  const parsed = reportSchema.safeParse(parseYaml(readOwn(path).toString(), path));
  if (parsed.success) return parsed.data;
  const issues = parsed.error.issues.flatMap((issue) => sentences(issue, []));
  throw new WindrowError('config', `${path}: ${issues.join('; ')}`);
}

type Issue = z.core.$ZodIssue;

/** `key: what is wrong`. Of the forms that a column may have, the one it is nearest to speaks. */
function sentences(issue: Issue, parent: readonly PropertyKey[]): string[] {
  const path = [...parent, ...issue.path];
  if (issue.code !== 'invalid_union' || issue.errors.length === 0) {
    return [`${keyOf(path)}: ${issue.message}`];
  }
  const nearest = issue.errors.reduce((a, b) => (b.length < a.length ? b : a));
  return nearest.flatMap((inner) => sentences(inner, path));
}

/** `columns[2].metric` */
function keyOf(path: readonly PropertyKey[]): string {
  const steps = path.map((step) => (typeof step === 'number' ? `[${step}]` : `.${String(step)}`));
  return steps.join('').replace(/^\./, '') || 'the file';
}
