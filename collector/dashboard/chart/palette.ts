/**
 * Colours of lines. Eight hues that stay apart for colour-blind eyes (after Okabe and Ito); from the
 * ninth line on they come again dashed. The values are in theme.css, one set for each theme.
 */
const hues = 8;

export interface LineStyle {
  /** Name of a custom property. */
  readonly color: string;
  readonly dashed: boolean;
}

export function lineStyle(index: number): LineStyle {
  return { color: `--line-${(index % hues) + 1}`, dashed: Math.floor(index / hues) % 2 === 1 };
}

/** The value of a custom property now, for a canvas. */
export function themeColor(property: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(property).trim();
}
