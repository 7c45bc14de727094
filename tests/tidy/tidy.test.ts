import { describe, expect, it } from 'vitest';
import { AGENT_SPEC } from '../../agent/config.ts';
import { alertsJsonSchema, parseAlerts } from '../../collector/alerts/rules/load.ts';
import { COLLECTOR_SPEC } from '../../collector/config.ts';
import { defaultYaml, fileSchema } from '../../runtime/config/document.ts';
import { type HouseFile, readHouse } from './house.ts';
import { RULES } from './rules.ts';

const house = readHouse();

it('the house is read: otherwise every rule below holds', () => {
  expect(house.length).toBeGreaterThan(200);
  expect(house.map(({ path }) => path)).toEqual(
    expect.arrayContaining(['agent/main.ts', 'collector/main.ts', 'tests/tidy/tidy.test.ts']),
  );
});

describe('the house', () => {
  it.each(Object.entries(RULES))('%s', (_, rule) => {
    expect(rule(house)).toEqual([]);
  });

  it.each([
    ['agent', AGENT_SPEC],
    ['collector', COLLECTOR_SPEC],
  ] as const)('config/%s.* are what `npm run config:write` writes', (program, spec) => {
    expect(text(`config/${program}.yaml`)).toBe(defaultYaml(spec, program));
    const schema = text(`config/${program}.schema.json`) ?? '';
    expect(JSON.parse(schema)).toEqual(fileSchema(spec, program));
  });

  it('config/alerts.* are good, and the schema is what `npm run config:write` writes', () => {
    expect(parseAlerts(text('config/alerts.yaml') ?? '', 'alerts.yaml').rules).not.toEqual([]);
    const schema = text('config/alerts.schema.json') ?? '';
    expect(JSON.parse(schema)).toEqual(JSON.parse(JSON.stringify(alertsJsonSchema())));
  });
});

function text(path: string): string | undefined {
  return house.find((file) => file.path === path)?.text;
}

function file(path: string, text = ''): HouseFile {
  return { path, text };
}

/** Each rule, with a house that breaks it and how often. */
const BREACHES: readonly (readonly [keyof typeof RULES, number, readonly HouseFile[]])[] = [
  [
    'partsImportDownwards',
    7,
    [
      file('runtime/a.ts', "import type { B } from '../wire/b.ts';"),
      file('wire/a.ts', "import '../blocks/b.ts';"),
      file('agent/a.ts', "import { b } from '../collector/b.ts';"),
      file('collector/x/a.ts', "const b = await import('../../agent/b.ts');"),
      file('collector/x/b.ts', "spawn(new URL('../../scripts/b.ts', import.meta.url))"),
      file('scripts/a.ts', "export { b } from '../tests/b.ts';"),
      file('agent/b.test.ts', "import {\n  a,\n  b,\n} from '../tests/support/b.ts';"),
      file('agent/fine.ts', "import { a } from '../runtime/a.ts';\nimport 'agent';"),
    ],
  ],
  [
    'importsGoInNoCircle',
    3,
    [
      file('wire/a.ts', "import type { B } from './b.ts';"),
      file('wire/b.ts', "import './c.ts';\nimport './fine.ts';"),
      file('wire/c.ts', "export { a } from './a.ts';\nimport './fine.ts';"),
      file('wire/fine.ts', "import 'zod';"),
      file('wire/d.ts', "import './e.ts';"),
      file('wire/e.ts', "import type { D } from './d.ts';"),
      file('wire/self.ts', "import { a } from './self.ts';"),
    ],
  ],
  [
    'coresImportNoShell',
    2,
    [
      file('collector/windows/a.ts', "import { b } from '../api/b.ts';"),
      file('agent/metrics/linux/a.ts', "import { b } from '../../commands/b.ts';"),
      file('collector/store/a.ts', "import { b } from '../api/b.ts';"),
    ],
  ],
  [
    'pureCodeReachesNoNode',
    4,
    [
      file('collector/windows/a.ts', "import { b } from 'node:fs';"),
      file('collector/windows/b.ts', "import { a } from './a.ts';"),
      file('runtime/rates.ts', "import { c } from './c.ts';"),
      file('runtime/c.ts', "export * from 'node:os';"),
      file('collector/dashboard/page.tsx', "import { a } from '../../runtime/c.ts';"),
      file('collector/dashboard/type.ts', "import type { C } from '../../runtime/c.ts';"),
      file('collector/windows/a.test.ts', "import { b } from 'node:fs';"),
    ],
  ],
  [
    'theRunningAgentIsLight',
    2,
    [
      file('agent/run.ts', "import './connect.ts';\nimport type { C } from './config.ts';"),
      file(
        'agent/connect.ts',
        "import '../wire/client.ts';\nspawn('./metrics/inventory-child.ts');",
      ),
      file('agent/config.ts', "import { z } from 'zod';"),
      file('wire/client.ts', "import http from 'node:http';\nimport { z } from 'zod';"),
      file('agent/metrics/inventory-child.ts', "import 'yaml';"),
    ],
  ],
  [
    'kafkaIsLoadedWhenUsed',
    1,
    [
      file('wire/a.ts', "import { Producer } from '@platformatic/kafka';"),
      file('wire/b.ts', "import type { Producer } from '@platformatic/kafka';"),
      file('wire/c.ts', "load = () => import('@platformatic/kafka');"),
      file('wire/d.test.ts', "import { Reader } from '@platformatic/kafka';"),
    ],
  ],
  [
    'helpersServeTestsOnly',
    2,
    [
      file('collector/a.ts', "import { b } from './testing/b.ts';"),
      file('bench/a.ts', "import { b } from '../tests/support/b.ts';"),
      file('collector/testing/c.ts', "import { b } from './b.ts';"),
    ],
  ],
  ['filesAreShort', 1, [file('a.ts', '\n'.repeat(401)), file('b.css', '\n'.repeat(400))]],
  [
    'noFileIsDead',
    3,
    [
      file('package.json', '{"bin":"agent/main.ts","scripts":"node bench/main.ts"}'),
      file(
        'agent/main.ts',
        "import type { A } from './a.ts';\nnew URL('./child.ts', import.meta.url)",
      ),
      file('agent/a.ts'),
      file('agent/child.ts'),
      file('bench/main.ts', "import('./one.ts')"),
      file('bench/one.ts'),
      file('agent/nobody.ts', "import './main.ts';"),
      file('agent/tested.ts'),
      file('agent/tested.test.ts', "import { a } from './tested.ts';\nimport './testing/used.ts';"),
      file('agent/testing/used.ts'),
      file('agent/testing/unused.ts'),
    ],
  ],
  [
    'nothingIsAny',
    4,
    [
      file('a.ts', 'const a: any = 1;'),
      file('b.ts', 'const b = c as any;'),
      file('c.ts', 'const c: Map<string, number> & Set<any> = d;'),
      file('d.ts', 'function d(e: any[]) {}'),
      file('e.ts', "// any: any\nconst any = 'as any'; if (any) f(`: any`);"),
    ],
  ],
  [
    'noTestIsLeftOut',
    3,
    [
      file('a.test.ts', "it.only('x', () => {});"),
      file('b.test.ts', "describe.concurrent.skip('x', () => {});"),
      file('c.test.ts', "it.todo('x');"),
      file('d.test.ts', "it.skipIf(true)('x', () => {}); // it.skip"),
    ],
  ],
  [
    'testsNeverSleep',
    1,
    [file('a.test.ts', "import { setTimeout } from 'node:timers/promises';"), file('b.test.ts')],
  ],
  [
    'memoryIsMeasuredAlone',
    1,
    [
      file('vitest.config.ts', "const alone = ['wire/a.test.ts'];"),
      file('wire/a.test.ts', 'process.memoryUsage().rss'),
      file('wire/b.test.ts', 'process.memoryUsage().rss'),
      file('tests/e2e/c.test.ts', 'process.memoryUsage().rss'),
    ],
  ],
  [
    'nothingNamesThisMachine',
    4,
    [
      file('a.ts', "'/root/main/x'"),
      file('b.md', 'see /home/somebody/windrow'),
      file('c.json', '{"resolved": "https://example"}'),
      file('d.sh', 'npm ci --registry=x; curl https://registry.example.org'),
      file('e.ts', "'data/work/x', `${home}/work`, registry.find(x)"),
    ],
  ],
];

describe('a house that breaks it is noticed', () => {
  it('every rule is proven', () => {
    expect(BREACHES.map(([name]) => name).sort()).toEqual(Object.keys(RULES).sort());
  });

  it.each(BREACHES)('%s', (name, breaches, files) => {
    expect(RULES[name](files)).toHaveLength(breaches);
  });
});
