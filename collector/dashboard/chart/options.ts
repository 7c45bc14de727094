/** What a chart is to show, turned into uPlot's terms. */
import type uPlot from 'uplot';
import { clockTime } from '../lib/format.ts';
import { gapMs, quarters, scaleTop } from '../lib/scale.ts';
import { themeColor } from './palette.ts';

export interface ChartLine {
  readonly key: string;
  readonly label: string;
  /** Name of a custom property. */
  readonly color: string;
  readonly dashed?: boolean;
  readonly width?: number;
  /** Fills the area down to the line before, or to the bottom for the first: stacked areas. */
  readonly area?: boolean;
  /** Opacity of one of many, of which only the one that is pointed at stands out; absent: solid. */
  readonly faint?: number;
}

export interface ChartLook {
  readonly lines: readonly ChartLine[];
  readonly format: (value: number) => string;
  /** Fixed top of the scale, such as 100 for percent; without it the data decides, from `floor` on. */
  readonly top?: number;
  readonly floor?: number;
  /** Labels as long as `2.5 MB/s` need a wider axis; without a change of width when they change. */
  readonly wideAxis?: boolean;
  /** Charts of one group move their cursors together. */
  readonly group: string;
}

export const CHART_FONT = '11px system-ui, -apple-system, "Segoe UI", Roboto, sans-serif';
/** An area without a line of its own has to show its colour by itself. */
const areaOpacity = { lined: 0.35, bare: 0.75 };
/** Opacity as the last two digits of `#rrggbbaa`. */
const hex = (opacity: number): string =>
  Math.round(opacity * 255)
    .toString(16)
    .padStart(2, '0');
const axisWidth = { narrow: 44, wide: 68 };

/** What a chart asks its owner while it draws. */
export interface ChartState {
  readonly stepMs: () => number;
  /** Index of the series that stands out, or null. */
  readonly emphasised: () => number | null;
}

export function chartOptions(
  look: ChartLook,
  state: ChartState,
): Omit<uPlot.Options, 'width' | 'height'> {
  return {
    ms: 1,
    pxAlign: 0,
    padding: [8, 6, 0, 0],
    legend: { show: false },
    focus: { alpha: 0.25 },
    cursor: {
      y: false,
      drag: { x: false, y: false, setScale: false },
      focus: { prox: 24 },
      points: { one: true, size: 7 },
      sync: { key: look.group, setSeries: true },
    },
    scales: { x: { time: true, auto: false }, y: { range: rangeOf(look) } },
    axes: axesOf(look),
    series: [{}, ...look.lines.map((line, index) => seriesOf(line, index, state))],
    bands: bandsOf(look.lines),
  };
}

function rangeOf({ top, floor = 1 }: ChartLook): uPlot.Range.Function {
  return (_, __, max) => [0, top ?? scaleTop(max, floor)];
}

function axesOf({ format, wideAxis = false }: ChartLook): uPlot.Axis[] {
  const ink = themeColor('--ink-3');
  const grid = { stroke: themeColor('--grid'), width: 1 };
  const shared = { stroke: ink, font: CHART_FONT, ticks: { show: false }, gap: 6 };
  return [
    { ...shared, grid: { show: false }, space: timeSpace, size: 24, values: timeLabels },
    {
      ...shared,
      grid,
      size: wideAxis ? axisWidth.wide : axisWidth.narrow,
      splits: (_, __, ___, max) => quarters(max),
      values: (_, splits) => splits.map(format),
    },
  ];
}

/** Room for one label: a narrow chart has to have more than one all the same. */
function timeSpace(_: uPlot, __: number, ___: number, ____: number, width: number): number {
  return width < 400 ? 48 : 72;
}

function timeLabels(_: uPlot, splits: number[], __: number, ___: number, step: number): string[] {
  return splits.map((ms) => clockTime(ms, step < 60_000));
}

function seriesOf(line: ChartLine, index: number, state: ChartState): uPlot.Series {
  const color = themeColor(line.color);
  return {
    label: line.label,
    // A function, as uPlot asks it at each drawing: the emphasised line of a crowd becomes solid.
    stroke: (_, each) =>
      line.faint !== undefined && state.emphasised() !== each ? color + hex(line.faint) : color,
    width: line.width ?? 1.5,
    points: { show: false },
    ...(line.dashed === true ? { dash: [6, 4] } : {}),
    // The first area stands on the bottom of the chart, the others on the line before: `bandsOf`.
    ...(line.area === true && index === 0 ? { fill: fillOf(line) } : {}),
    gaps: (chart, each, _, __, gaps) => wideGaps(chart, each, gaps, state.stepMs()),
  };
}

function fillOf(line: ChartLine): string {
  return themeColor(line.color) + hex(line.width === 0 ? areaOpacity.bare : areaOpacity.lined);
}

/** Of the gaps that empty steps make, only those in which something was missed. */
function wideGaps(
  chart: uPlot,
  index: number,
  gaps: uPlot.Series.Gaps,
  step: number,
): uPlot.Series.Gaps {
  const { min = 0, max = 1 } = chart.scales['x'] ?? {};
  const pxPerMs = chart.bbox.width / (max - min);
  const widthMin = gapMs(chart.data[index] ?? [], step) * pxPerMs;
  return gaps.filter(([from, to]) => to - from > widthMin);
}

function bandsOf(lines: readonly ChartLine[]): uPlot.Band[] {
  // Series 0 is time, so line i is series i + 1.
  return lines.flatMap((line, index): uPlot.Band[] =>
    line.area === true && index > 0 ? [{ series: [index + 1, index], fill: fillOf(line) }] : [],
  );
}
