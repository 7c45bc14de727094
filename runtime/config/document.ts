/** The commented default file and the JSON Schema of a program's settings, made from its spec. */
import { z } from 'zod';
import type { Setting, Spec } from './load.ts';
import { variableOf } from './load.ts';

/** A YAML file in which every setting stands with its default, commented out. */
export function defaultYaml(spec: Spec, program: string): string {
  const lines = [
    `# yaml-language-server: $schema=./${program}.schema.json`,
    `# Settings of windrow-${program}: flags > environment > this file > defaults.`,
    '# Every line below is a default; take the # away to change it.',
  ];
  let section = '';
  for (const [key, setting] of Object.entries(spec)) {
    const [first, second] = key.split('.');
    const indent = second === undefined ? '' : '  ';
    lines.push('');
    if (second !== undefined && first !== section) lines.push(`# ${first}:`);
    section = second === undefined ? '' : (first ?? '');
    lines.push(`# ${indent}## ${setting.about} (${variableOf(key)})`.replace(/^# ##/, '##'));
    lines.push(`# ${indent}${second ?? first}: ${yamlDefault(key, setting)}`.trimEnd());
  }
  return `${lines.join('\n')}\n`;
}

/** Defaults that differ from machine to machine are left empty, which means the default. */
function yamlDefault(key: string, { fallback }: Setting): string {
  if (fallback === undefined || key === 'server_id') return '';
  return typeof fallback === 'string' ? fallback : JSON.stringify(fallback);
}

/** JSON Schema (2020-12) of the file, for editors. */
export function fileSchema(spec: Spec, program: string): object {
  const properties: Record<string, Record<string, unknown>> = {};
  for (const [key, setting] of Object.entries(spec)) {
    const [first = key, second] = key.split('.');
    const described = { ...settingSchema(setting), description: setting.about };
    if (second === undefined) {
      properties[first] = described;
      continue;
    }
    properties[first] ??= { type: 'object', additionalProperties: false, properties: {} };
    const nested = properties[first]['properties'] as Record<string, unknown>;
    nested[second] = described;
  }
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: `windrow-${program}`,
    type: 'object',
    additionalProperties: false,
    properties,
  };
}

function settingSchema({ schema }: Setting): object {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' });
  return rest;
}
