/** What of a rule's condition is simple enough to be drawn, or put into words: `cpu_pct.avg > 90`. Pure. */

type Operator = '>' | '>=' | '<' | '<=';

/** A figure compared with a number. */
export interface Limit {
  readonly figure: string;
  readonly operator: Operator;
  readonly value: number;
}

const COMPARISON = /([a-z_]+(?:\.[a-z0-9]+)?)\s*(>=|<=|>|<)\s*(-?\d+(?:\.\d+)?)/;
/** Whole parts of a condition alone: in `2 * a > 90` no 90 is a limit of a. */
const PARTS = new RegExp(
  `(?<=^|\\(|&&|\\|\\|)\\s*${COMPARISON.source}\\s*(?=$|\\)|&&|\\|\\|)`,
  'g',
);
const WHOLE = new RegExp(`^\\s*${COMPARISON.source}\\s*$`);

export function limitsOf(condition: string | null): Limit[] {
  return [...(condition ?? '').matchAll(PARTS)].map(limitOf);
}

/** The limit that is all of the condition. */
export function soleLimit(condition: string | null): Limit | null {
  const found = WHOLE.exec(condition ?? '');
  return found === null ? null : limitOf(found);
}

function limitOf(found: RegExpMatchArray): Limit {
  const [, figure = '', operator, value] = found;
  return { figure, operator: operator as Operator, value: Number(value) };
}

export const limitWords: Readonly<Record<Operator, string>> = {
  '>': 'above',
  '>=': 'at or above',
  '<': 'below',
  '<=': 'at or below',
};

export function isBeyond({ operator, value: limit }: Limit, value: number): boolean {
  switch (operator) {
    case '>':
      return value > limit;
    case '>=':
      return value >= limit;
    case '<':
      return value < limit;
    case '<=':
      return value <= limit;
  }
}
