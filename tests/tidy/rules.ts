/** The rules of the house (DESIGN §1, STYLE 18). Each gives a sentence for every breach. */
import { bare, type HouseFile, importsOf, isCode, isHelper, isTest, reachable } from './house.ts';

type Rule = (files: readonly HouseFile[]) => string[];

/** What each part of the house may import, beside itself and packages. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  runtime: [],
  native: ['runtime'],
  wire: ['runtime', 'native'],
  blocks: ['runtime', 'native', 'wire'],
  agent: ['runtime', 'native', 'wire', 'blocks'],
  collector: ['runtime', 'native', 'wire', 'blocks'],
  scripts: ['runtime', 'native', 'wire', 'blocks', 'agent', 'collector'],
  bench: ['runtime', 'native', 'wire', 'blocks', 'agent', 'collector', 'scripts'],
};

const linesMax = 400;

function top(path: string): string {
  return path.includes('/') ? path.slice(0, path.indexOf('/')) : '';
}

function codeOf(files: readonly HouseFile[]): HouseFile[] {
  return files.filter(({ path }) => isCode(path));
}

const partsImportDownwards: Rule = (files) =>
  codeOf(files).flatMap((file) => {
    const part = top(file.path);
    const allowed = MAY_IMPORT[part];
    if (allowed === undefined) return [];
    return importsOf(file)
      .map(({ to }) => to)
      .filter((to) => top(to) in MAY_IMPORT || top(to) === 'tests')
      .filter((to) => top(to) !== part && !allowed.includes(top(to)))
      .map(
        (to) => `${file.path} imports ${to}: ${part} may import ${allowed.join(', ') || 'nothing'}`,
      );
  });

/** Types count too: of two files that know each other neither is read alone. */
const importsGoInNoCircle: Rule = (files) => {
  const imports = new Map(
    codeOf(files).map((file) => [file.path, importsOf(file).map(({ to }) => to)]),
  );
  const done = new Set<string>();
  const circles: string[] = [];
  const follow = (path: string, way: readonly string[]): void => {
    if (way.includes(path)) circles.push([...way.slice(way.indexOf(path)), path].join(' → '));
    if (way.includes(path) || done.has(path)) return;
    for (const to of imports.get(path) ?? []) follow(to, [...way, path]);
    done.add(path);
  };
  for (const path of imports.keys()) follow(path, []);
  return circles;
};

/** Inside a side the core knows nothing of the verbs and routes that use it. */
const coresImportNoShell: Rule = (files) =>
  codeOf(files)
    .filter(({ path }) => /^(agent|collector)\/(metrics|windows|alerts)\//.test(path))
    .flatMap(importsOf)
    .filter(({ to }) => /^(agent|collector)\/(commands|api)\//.test(to))
    .map(({ from, to }) => `${from} imports ${to}`);

function isPure(path: string): boolean {
  if (isTest(path) || isHelper(path)) return false;
  const alone = [
    'collector/alerts/lifecycle.ts',
    'collector/reports/report.ts',
    'runtime/rates.ts',
  ];
  return path.startsWith('collector/windows/') || alone.includes(path);
}

/** What must run without clock, file and socket, and the page, which runs without Node. */
const pureCodeReachesNoNode: Rule = (files) => {
  const page = (path: string): boolean =>
    path.startsWith('collector/dashboard/') && !path.endsWith('vite.config.ts') && !isTest(path);
  return codeOf(files)
    .filter(({ path }) => isPure(path) || page(path))
    .flatMap(({ path }) =>
      [...reachable(files, [path], { types: false })]
        .filter((to) => to.startsWith('node:'))
        .map((to) => `${path} leads to ${to}`),
    );
};

/**
 * What the agent needs only to read its settings, and what of Node it needs only for some of them:
 * each costs it megabytes for as long as it runs.
 */
const HEAVY = new Set(['commander', 'yaml', 'zod', 'node:http', 'node:https', 'node:tls']);

const theRunningAgentIsLight: Rule = (files) => {
  // A child process that ends takes its libraries along.
  const own = files.filter(({ path }) => path !== 'agent/metrics/inventory-child.ts');
  return [...reachable(own, ['agent/run.ts'], { types: false })]
    .filter((to) => HEAVY.has(to))
    .map((to) => `agent/run.ts leads to ${to}`);
};

/** Its client takes some 22 MB, which whoever sends directly does without. */
const kafkaIsLoadedWhenUsed: Rule = (files) =>
  codeOf(files)
    .filter(({ path }) => /^(?:wire|agent|collector)\//.test(path) && !isTest(path))
    .flatMap(importsOf)
    .filter(({ to, typeOnly, lazy }) => to === '@platformatic/kafka' && !typeOnly && !lazy)
    .map(({ from }) => `${from} loads the Kafka client before anybody needs it`);

const helpersServeTestsOnly: Rule = (files) =>
  codeOf(files)
    .filter(({ path }) => !isTest(path) && !isHelper(path) && !path.endsWith('.config.ts'))
    .flatMap(importsOf)
    .filter(({ to }) => isTest(to) || isHelper(to))
    .map(({ from, to }) => `${from} imports ${to}, which is for tests`);

const filesAreShort: Rule = (files) =>
  files
    .filter(({ path }) => /\.(tsx?|css)$/.test(path))
    .map(({ path, text }) => ({ path, lines: text.split('\n').length - 1 }))
    .filter(({ lines }) => lines > linesMax)
    .map(({ path, lines }) => `${path} has ${lines} lines, more than ${linesMax}`);

/** Used by tests alone, and why it is no test helper all the same. */
const KEPT = new Set([
  // The port's adapter that needs no network: the contract suite holds the others against it.
  'wire/transport/memory.ts',
  // Likewise a log in one process, which also stands in for brokers in the collector's unit tests.
  'wire/transport/log/memory.ts',
  'wire/transport/log/memory-group.ts',
  'wire/transport/log/memory-line.ts',
  'wire/transport/log/memory-topics.ts',
]);

/** Everything is led to from a program, a script, a configuration or a test. */
const noFileIsDead: Rule = (files) => {
  const code = codeOf(files).map(({ path }) => path);
  const configs = files.filter(({ path }) =>
    /(^|\/)(package\.json|[a-z]+\.config\.ts|index\.html)$/.test(path),
  );
  const named = (path: string): boolean =>
    configs.some((config) => {
      const folder = config.path.slice(0, config.path.lastIndexOf('/') + 1);
      return path.startsWith(folder) && config.text.includes(path.slice(folder.length));
    });
  const entries = code.filter((path) => named(path) || path.endsWith('.config.ts'));
  const programs = reachable(files, entries, { types: true });
  const tests = reachable(files, code.filter(isTest), { types: true });
  return code
    .filter((path) => !isTest(path) && !programs.has(path) && !KEPT.has(path))
    .filter((path) => !isHelper(path) || !tests.has(path))
    .map((path) => `${path} is used by ${tests.has(path) ? 'tests alone' : 'nobody'}`);
};

const nothingIsAny: Rule = (files) =>
  codeOf(files)
    .filter(({ text }) => /(?::|\bas|<|\||&)\s*any\b(?!\s*\()|\bany\[\]/.test(bare(text)))
    .map(({ path }) => `${path} has the type any`);

/** A capability that is missing is skipped by name, with skipIf or runIf. */
const noTestIsLeftOut: Rule = (files) =>
  codeOf(files)
    .filter(({ path }) => isTest(path))
    .flatMap(({ path, text }) => {
      const found = /\b(?:it|test|describe)(?:\.\w+)*\.(?:only|skip|todo|fails)\b/.exec(bare(text));
      return found === null ? [] : [`${path} has ${found[0]}`];
    });

const testsNeverSleep: Rule = (files) =>
  codeOf(files)
    .filter(({ path }) => (isTest(path) || path.startsWith('tests/')) && !isOurs(path))
    .filter(({ text }) => /from\s+'node:timers\/promises'/.test(text))
    .map(({ path }) => `${path} sleeps: wait for what must happen`);

/** Files of `unit` share processes: what others left there would be measured too. */
const memoryIsMeasuredAlone: Rule = (files) => {
  const config = files.find(({ path }) => path === 'vitest.config.ts')?.text ?? '';
  return codeOf(files)
    .filter(({ path }) => isTest(path) && top(path) !== 'tests')
    .filter(({ path, text }) => text.includes('memoryUsage') && !config.includes(`'${path}'`))
    .map(({ path }) => `${path} measures memory: vitest.config.ts lists such files`);
};

const MACHINE = /(?<![\w.$}/])\/(?:work|root|home\/\w+|Users\/\w+)\/\w/;
const REGISTRY = /https?:\/\/[\w.-]*registry|--registry\b|"resolved":/;

/** The files of this folder hold what they look for. */
function isOurs(path: string): boolean {
  return path.startsWith('tests/tidy/');
}

const nothingNamesThisMachine: Rule = (files) =>
  files
    .filter(({ path }) => !isOurs(path))
    .flatMap(({ path, text }) =>
      [MACHINE, REGISTRY].flatMap((pattern) => {
        const found = pattern.exec(text);
        return found === null ? [] : [`${path} holds ${found[0]}`];
      }),
    );

export const RULES = {
  partsImportDownwards,
  importsGoInNoCircle,
  coresImportNoShell,
  pureCodeReachesNoNode,
  theRunningAgentIsLight,
  kafkaIsLoadedWhenUsed,
  helpersServeTestsOnly,
  filesAreShort,
  noFileIsDead,
  nothingIsAny,
  noTestIsLeftOut,
  testsNeverSleep,
  memoryIsMeasuredAlone,
  nothingNamesThisMachine,
} as const satisfies Readonly<Record<string, Rule>>;
