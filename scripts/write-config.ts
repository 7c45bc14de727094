/** `npm run config:write`: writes the default files and JSON Schemas of `config/` from the code. */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { AGENT_SPEC } from '../agent/config.ts';
import { alertsJsonSchema } from '../collector/alerts/rules/load.ts';
import { COLLECTOR_SPEC } from '../collector/config.ts';
import { defaultYaml, fileSchema } from '../runtime/config/document.ts';

const folder = fileURLToPath(new URL('../config/', import.meta.url));

for (const [program, spec] of [
  ['agent', AGENT_SPEC],
  ['collector', COLLECTOR_SPEC],
] as const) {
  writeFileSync(`${folder}${program}.yaml`, defaultYaml(spec, program));
  writeSchema(program, fileSchema(spec, program));
}
// The rules themselves are written by hand: each says why it is as it is.
writeSchema('alerts', alertsJsonSchema());

function writeSchema(name: string, schema: object): void {
  writeFileSync(`${folder}${name}.schema.json`, `${JSON.stringify(schema, null, 2)}\n`);
}
