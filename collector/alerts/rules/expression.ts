/**
 * Conditions in CEL over the figures of one window: `cpu_pct.avg > 90 && samples > 10`. Compiled
 * and type-checked once; an evaluation takes some 100 ns.
 *
 * Of CEL what a condition needs: comparisons, arithmetic, logic, `? :`, lists with `in`, `double()`,
 * `int()` and `startsWith`, `endsWith`, `contains`. No `matches`: its regular expressions can take
 * for ever on a name from the wire.
 */
import { type ASTNode, Environment } from '@marcbachmann/cel-js';
import { messageOf, WindrowError } from '../../../runtime/errors.ts';
import { METRICS } from '../../../wire/metrics.ts';
import { FLEET_AGGREGATES, type FleetWindow } from '../../windows/fleet.ts';
import { AGGREGATES, type ServerWindow } from '../../windows/window.ts';

/** What a rule is about: each server for itself, or all of them together. */
export const SUBJECTS = ['server', 'fleet'] as const;
export type Subject = (typeof SUBJECTS)[number];

export const expressionCharsMax = 1_000;
const nodesMax = 500;
const depthMax = 50;

/** What an expression sees of a window; a metric that is unavailable is null. */
export interface Figures {
  readonly [name: string]: Readonly<Record<string, number | null>> | bigint | string | null;
}

const FUNCTIONS = new Set(['startsWith', 'endsWith', 'contains', 'double', 'int']);
/** Operators that reach beyond one window's figures, or make up values of their own. */
const OPERATORS_OUT = new Set(['[]', '[?]', '.?', 'map']);

const ENVIRONMENTS: Readonly<Record<Subject, Environment>> = {
  server: environment(AGGREGATES, [
    ['samples', 'int'],
    ['server', 'string'],
  ]),
  fleet: environment(FLEET_AGGREGATES, [
    ['samples', 'int'],
    ['servers', 'int'],
  ]),
};

const FIELDS: Readonly<Record<Subject, readonly string[]>> = {
  server: AGGREGATES,
  fleet: FLEET_AGGREGATES,
};

function environment(
  fields: readonly string[],
  variables: readonly (readonly [string, string])[],
): Environment {
  const made = new Environment({ limits: { maxAstNodes: nodesMax, maxDepth: depthMax } });
  made.registerType('Figures', {
    fields: Object.fromEntries(fields.map((field) => [field, 'double'])),
  });
  for (const metric of METRICS) made.registerVariable(metric, 'Figures');
  for (const [name, type] of variables) made.registerVariable(name, type);
  return made;
}

export function serverFigures(
  window: Pick<ServerWindow, 'samples' | 'aggregates'>,
  server: string,
): Figures {
  return { ...byMetric(window.aggregates), samples: BigInt(window.samples), server };
}

export function fleetFigures(window: FleetWindow): Figures {
  const { samples, servers } = window;
  return {
    ...byMetric(window.aggregates),
    samples: BigInt(samples),
    servers: BigInt(servers),
  };
}

function byMetric<T>(aggregates: readonly (T | null)[]): Record<string, T | null> {
  return Object.fromEntries(METRICS.map((metric, i) => [metric, aggregates[i] ?? null]));
}

export class Expression {
  readonly text: string;
  /** The figures that it uses, in the order of their first use: `cpu_pct.avg`, `samples`. */
  readonly figures: readonly string[];
  readonly #evaluate: (figures: Figures) => unknown;
  /** The variable, when it uses no other. */
  readonly #only: string | undefined;

  /** @throws WindrowError `config` saying what is wrong, with the columns counted from 1 */
  constructor(text: string, subject: Subject) {
    if (text.length > expressionCharsMax) {
      throw new WindrowError('config', `must have at most ${expressionCharsMax} characters`);
    }
    const compiled = explained(subject, () => {
      const parsed = ENVIRONMENTS[subject].parse(text);
      const checked = parsed.check();
      if (!checked.valid) throw checked.error ?? new Error('is not valid');
      return { parsed, type: checked.type };
    });
    if (compiled.type !== 'bool') {
      throw new WindrowError('config', `gives ${compiled.type ?? 'nothing'}, not true or false`);
    }
    const used = new Set<string>();
    collect(compiled.parsed.ast, used);
    // A server's name is no figure: it does not change.
    const figures = [...used].filter((name) => name !== 'server');
    if (figures.length === 0) {
      throw new WindrowError('config', 'uses no figure of a window, so it never changes');
    }
    this.text = text;
    this.figures = figures;
    const variables = new Set([...used].map(variableOf));
    this.#only = variables.size === 1 ? [...variables][0] : undefined;
    this.#evaluate = compiled.parsed;
  }

  /**
   * Undefined when a figure that decides is unavailable: `a || b` holds when one of them does,
   * whatever the other is.
   */
  holds(figures: Figures): boolean | undefined {
    // The common case, without the cost of an error: a machine that does not have the metric.
    if (this.#only !== undefined && figures[this.#only] === null) return undefined;
    try {
      return this.#evaluate(figures) === true;
    } catch {
      return undefined;
    }
  }

  /** The values of the figures that it uses and that are available. */
  values(figures: Figures): Record<string, number> {
    const values: Record<string, number> = {};
    for (const name of this.figures) {
      const [variable = '', field] = name.split('.');
      const figure = figures[variable];
      const value = typeof figure === 'object' ? figure?.[field ?? ''] : Number(figure);
      if (value !== null && value !== undefined) values[name] = value;
    }
    return values;
  }
}

/** Notes what the expression uses. @throws WindrowError for what it may not use */
function collect(node: ASTNode, used: Set<string>): void {
  if (OPERATORS_OUT.has(node.op)) {
    throw new WindrowError('config', `${placeOf(node)}${node.op} is not for conditions`);
  }
  switch (node.op) {
    case 'value':
      return;
    case 'id':
      used.add(node.args);
      return;
    case '.':
      if (node.args[0].op === 'id') used.add(`${node.args[0].args}.${node.args[1]}`);
      else collect(node.args[0], used);
      return;
    case 'call':
    case 'rcall': {
      const [name, ...operands] = node.args;
      if (!FUNCTIONS.has(name)) throw notForConditions(node, name);
      for (const operand of operands.flat()) collect(operand, used);
      return;
    }
    default:
      for (const operand of [node.args].flat(2)) collect(operand as ASTNode, used);
  }
}

/** `cpu_pct` of `cpu_pct.avg` */
function variableOf(name: string): string {
  return name.split('.')[0] ?? name;
}

function notForConditions(node: ASTNode, name: string): WindrowError {
  return new WindrowError('config', `${placeOf(node)}${name}() is not for conditions`, {
    hint: `The functions are ${[...FUNCTIONS].join(', ')}.`,
  });
}

function placeOf({ start }: { readonly start: number }): string {
  return `at column ${start + 1}: `;
}

/** The library's errors as one sentence: what is wrong, where, and what there is instead. */
function explained<T>(subject: Subject, compile: () => T): T {
  try {
    return compile();
  } catch (cause) {
    const { summary, range } = cause as { summary?: string; range?: { start: number } };
    const place = range === undefined ? '' : placeOf(range);
    const text = summary ?? messageOf(cause);
    throw new WindrowError('config', `${place}${text}`, { cause, hint: hintFor(text, subject) });
  }
}

function hintFor(text: string, subject: Subject): string {
  if (/^no such overload: .*\b(?:double|int)\b/.test(text)) {
    return 'Figures are decimal numbers: in arithmetic write 2.0 for 2.';
  }
  const own = subject === 'server' ? 'samples, server' : 'samples, servers';
  return `There are ${METRICS.join(', ')}, each with .${FIELDS[subject].join(', .')}; and ${own}.`;
}
