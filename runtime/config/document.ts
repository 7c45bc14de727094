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
  let open: readonly string[] = [];
  for (const [key, setting] of Object.entries(spec)) {
    const path = key.split('.');
    const sections = path.slice(0, -1);
    lines.push('');
    sections.forEach((name, depth) => {
      const isOpen = sections.slice(0, depth + 1).every((section, at) => open[at] === section);
      if (!isOpen) lines.push(`# ${'  '.repeat(depth)}${name}:`);
    });
    open = sections;
    const indent = '  '.repeat(sections.length);
    lines.push(`# ${indent}## ${setting.about} (${variableOf(key)})`.replace(/^# ##/, '##'));
    lines.push(`# ${indent}${path.at(-1)}: ${yamlDefault(key, setting)}`.trimEnd());
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
  const root: Section = { type: 'object', additionalProperties: false, properties: {} };
  for (const [key, setting] of Object.entries(spec)) {
    const path = key.split('.');
    const section = path.slice(0, -1).reduce(sectionIn, root);
    const described = { ...settingSchema(setting), description: setting.about };
    section.properties[path.at(-1) ?? key] = described;
  }
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: `windrow-${program}`,
    ...root,
  };
}

interface Section {
  readonly type: 'object';
  readonly additionalProperties: false;
  readonly properties: Record<string, object>;
}

function sectionIn({ properties }: Section, name: string): Section {
  properties[name] ??= { type: 'object', additionalProperties: false, properties: {} };
  return properties[name] as Section;
}

function settingSchema({ schema }: Setting): object {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' });
  return rest;
}
