/** What a rule's condition says of a window. */
import type { Verdict } from './lifecycle.ts';
import type { Figures } from './rules/expression.ts';
import type { WindowCondition } from './rules/rule.ts';

/** A window that breaches is not clear, whatever `clear` says. */
export function judge({ when, clear }: WindowCondition, figures: Figures): Verdict {
  const breaches = when.holds(figures);
  if (breaches === undefined) return 'unknown';
  if (breaches) return 'breach';
  const clears = clear === undefined ? true : clear.holds(figures);
  if (clears === undefined) return 'unknown';
  return clears ? 'clear' : 'between';
}

/** The values that the condition uses of a window: `{"cpu_pct.avg": 97.3}`. */
export function facts({ when, clear }: WindowCondition, figures: Figures): Record<string, number> {
  return { ...when.values(figures), ...clear?.values(figures) };
}

/** Then the largest processes by memory are what a person looks for; otherwise those by CPU. */
export function usesMemoryAlone({ when }: WindowCondition): boolean {
  return when.figures.every((figure) => figure.startsWith('mem_pct.'));
}
