/** A uPlot chart that draws itself in the frames in which its data changed. */
import uPlot from 'uplot';
import type { Frame } from '../state/frame.ts';
import { type ChartLook, chartOptions } from './options.ts';
import { drawShades, type Shade } from './shade.ts';

export interface ChartSource {
  /** Rises with every change of the data. */
  readonly revision: () => number;
  /** Times and one column for each line of the look, in its order. */
  readonly data: () => uPlot.AlignedData;
  readonly times: () => readonly number[];
  readonly stepMs: () => number;
  /** From when to when, in ms. */
  readonly span: () => readonly [number, number];
  /** What time the newest values are of: `now`, or when a server was last heard. */
  readonly newest: () => string;
  readonly shades?: () => readonly Shade[];
}

export interface Pointed {
  /** Index of the time under the pointer, or null. */
  readonly index: number | null;
  /** Key of the line next to the pointer, or null. */
  readonly key: string | null;
}

export interface PlotOptions {
  readonly box: HTMLElement;
  readonly look: ChartLook;
  readonly source: ChartSource;
  readonly frame: Frame;
  readonly onPoint: (pointed: Pointed) => void;
}

/** Drawing takes at most one part in this many of the page's time; a crowd of lines draws less often. */
const idleParts = 4;

export class Plot {
  readonly #options: PlotOptions;
  readonly #chart: uPlot;
  readonly #observer: ResizeObserver;
  readonly #unsubscribe: () => void;
  #revision = -1;
  #restUntil = 0;
  #emphasised: number | null = null;
  #fromTable = false;

  constructor(options: PlotOptions) {
    this.#options = options;
    const { box, look, source, frame } = options;
    const settings = chartOptions(look, {
      stepMs: source.stepMs,
      emphasised: () => this.#emphasised,
    });
    const hooks = {
      drawClear: [(chart: uPlot) => drawShades(chart, source.shades?.() ?? [])],
      setCursor: [() => this.#tell()],
      setSeries: [(_: uPlot, index: number | null) => this.#onFocus(index)],
    };
    this.#chart = new uPlot({ ...settings, hooks, ...sizeOf(box) }, source.data(), box);
    this.#observer = new ResizeObserver(() => this.#chart.setSize(sizeOf(box)));
    this.#observer.observe(box);
    this.#unsubscribe = frame.subscribe(() => this.#draw());
    this.#draw();
  }

  destroy(): void {
    this.#unsubscribe();
    this.#observer.disconnect();
    this.#chart.destroy();
  }

  /** Makes the line of a key stand out; null: none. */
  emphasise(key: string | null): void {
    const index = this.#options.look.lines.findIndex((line) => line.key === key);
    if (index < 0 && !this.#fromTable) return;
    this.#fromTable = index >= 0;
    const series = index < 0 ? null : index + 1;
    this.#emphasised = series;
    this.#chart.setSeries(series, { focus: true }, false);
  }

  #draw(): void {
    const { source, frame } = this.#options;
    if (source.revision() === this.#revision) return;
    const started = performance.now();
    if (started < this.#restUntil) {
      frame.request();
      return;
    }
    this.#revision = source.revision();
    const [min, max] = source.span();
    const data = source.data();
    this.#chart.batch(() => {
      this.#chart.setData(data, false);
      this.#chart.setScale('x', { min, max });
    });
    const ended = performance.now();
    this.#restUntil = ended + (ended - started) * idleParts;
  }

  #onFocus(index: number | null): void {
    this.#emphasised = index;
    this.#tell();
  }

  #tell(): void {
    const { lines } = this.#options.look;
    const { idx, left } = this.#chart.cursor;
    const inside = idx !== undefined && left !== undefined && left >= 0;
    const line = this.#emphasised === null ? undefined : lines[this.#emphasised - 1];
    const pointed = { index: inside ? idx : null, key: inside ? (line?.key ?? null) : null };
    this.#options.onPoint(pointed);
  }
}

/** Of `.plot` in chart.css. */
const paddingTop = 4;

function sizeOf(box: HTMLElement): { width: number; height: number } {
  return { width: box.clientWidth, height: box.clientHeight - paddingTop };
}
