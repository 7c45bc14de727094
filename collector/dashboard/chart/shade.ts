/** Spans of time that stand out behind the lines. */
import type uPlot from 'uplot';
import { themeColor } from './palette.ts';

export interface Shade {
  readonly fromMs: number;
  readonly toMs: number;
  /** Name of a custom property. */
  readonly color: string;
  readonly opacity: number;
}

/** Draws on the canvas before axes and lines do. */
export function drawShades(chart: uPlot, shades: readonly Shade[]): void {
  const { ctx, bbox } = chart;
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  for (const { fromMs, toMs, color, opacity } of shades) {
    const left = chart.valToPos(fromMs, 'x', true);
    const right = chart.valToPos(toMs, 'x', true);
    ctx.globalAlpha = opacity;
    ctx.fillStyle = themeColor(color);
    // What is shorter than a pixel happened all the same.
    ctx.fillRect(left, bbox.top, Math.max(1, right - left), bbox.height);
  }
  ctx.restore();
}
