import type { ComponentChildren, JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { clockTime } from '../lib/format.ts';
import type { Frame } from '../state/frame.ts';
import type { ChartLook } from './options.ts';
import { type ChartSource, Plot, type Pointed } from './plot.ts';

export interface ChartProps {
  readonly title: string;
  /** What the drawing shows, for those who cannot see it. */
  readonly label: string;
  readonly frame: Frame;
  /** A new object makes a new chart. */
  readonly look: ChartLook;
  readonly source: ChartSource;
  /** Key of a line to make stand out. */
  readonly emphasis?: string | null;
  /** Told when the pointer comes next to another line, or leaves. */
  readonly onEmphasis?: (key: string | null) => void;
  /** Beside the title: what the lines are, with the values at the pointed time or now. */
  readonly legend: (pointed: Pointed) => ComponentChildren;
}

const nowhere: Pointed = { index: null, key: null };

export function Chart(props: ChartProps): JSX.Element {
  const { title, label, frame, look, source, emphasis = null, onEmphasis, legend } = props;
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<Plot>(null);
  const [pointed, setPointed] = useState(nowhere);

  useEffect(() => {
    if (box.current === null) return undefined;
    const onPoint = (next: Pointed): void => {
      setPointed((before) =>
        before.index === next.index && before.key === next.key ? before : next,
      );
    };
    const made = new Plot({ box: box.current, look, source, frame, onPoint });
    plot.current = made;
    return () => made.destroy();
  }, [look, source, frame]);
  useEffect(() => plot.current?.emphasise(emphasis), [emphasis, look]);
  useEffect(() => onEmphasis?.(pointed.key), [pointed.key, onEmphasis]);

  const time = pointed.index === null ? undefined : source.times()[pointed.index];
  return (
    <figure class="chart panel" data-chart={title}>
      <figcaption>
        <h2>{title}</h2>
        <span class="at">{time === undefined ? source.newest() : clockTime(time)}</span>
        {legend(pointed)}
      </figcaption>
      <div class="plot" ref={box} role="img" aria-label={label} />
    </figure>
  );
}
