/** `npm run config:write`: writes the default files and JSON Schemas of `config/` from the settings. */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { AGENT_SPEC } from '../agent/config.ts';
import { COLLECTOR_SPEC } from '../collector/config.ts';
import { defaultYaml, fileSchema } from '../runtime/config/document.ts';

const folder = fileURLToPath(new URL('../config/', import.meta.url));

for (const [program, spec] of [
  ['agent', AGENT_SPEC],
  ['collector', COLLECTOR_SPEC],
] as const) {
  writeFileSync(`${folder}${program}.yaml`, defaultYaml(spec, program));
  const schema = JSON.stringify(fileSchema(spec, program), null, 2);
  writeFileSync(`${folder}${program}.schema.json`, `${schema}\n`);
}
