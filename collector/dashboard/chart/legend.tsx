import type { JSX } from 'preact';

export interface LegendItem {
  readonly key: string;
  readonly label: string;
  /** Name of a custom property. */
  readonly color: string;
  readonly dashed?: boolean;
  readonly value: string;
  /** Why there is no value. */
  readonly why?: string | undefined;
}

export interface LegendProps {
  readonly items: readonly LegendItem[];
  /** In columns below the title, for many names, instead of beside it. */
  readonly columns?: boolean;
  readonly onPoint?: (key: string | null) => void;
}

export function Legend({ items, columns = false, onPoint }: LegendProps): JSX.Element {
  return (
    <dl class={columns ? 'legend columns' : 'legend'}>
      {items.map((item) => (
        <div
          key={item.key}
          title={item.why ?? item.label}
          onMouseEnter={() => onPoint?.(item.key)}
          onMouseLeave={() => onPoint?.(null)}
        >
          <dt>
            <i
              class={item.dashed === true ? 'swatch dashed' : 'swatch'}
              style={{ color: `var(${item.color})` }}
            />
            <span class="name">{item.label}</span>
          </dt>
          <dd>{item.value}</dd>
        </div>
      ))}
    </dl>
  );
}
