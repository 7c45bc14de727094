import { useRef } from 'preact/hooks';

interface CalmOptions<Row> {
  readonly keyOf: (row: Row) => number | string;
  /** Another key is another order, which a person asked for: it rules at once. */
  readonly orderKey: string;
  /** Rows change places at most this often. */
  readonly calmMs: number;
}

interface CalmOrder<Row> {
  readonly rows: readonly Row[];
  /** For the element around the rows: while it is pointed at or in focus, no row moves away. */
  readonly handlers: {
    readonly onPointerEnter: (event: PointerEvent) => void;
    readonly onPointerLeave: () => void;
    readonly onFocusIn: () => void;
    readonly onFocusOut: () => void;
  };
}

interface Kept {
  keys: readonly (number | string)[];
  orderKey: string;
  at: number;
  pointed: boolean;
  focused: boolean;
}

/** Keeps rows where they are for a while, so that a person can read them and hit what they aim at. */
export function useCalmOrder<Row>(
  sorted: readonly Row[],
  { keyOf, orderKey, calmMs }: CalmOptions<Row>,
): CalmOrder<Row> {
  const kept = useRef<Kept>({ keys: [], orderKey: '', at: 0, pointed: false, focused: false });
  const { current } = kept;
  const held = current.pointed || current.focused || performance.now() - current.at < calmMs;
  if (!held || current.orderKey !== orderKey) {
    Object.assign(current, { keys: sorted.map(keyOf), orderKey, at: performance.now() });
  }
  const place = new Map(current.keys.map((key, index) => [key, index]));
  const placeOf = (row: Row): number => place.get(keyOf(row)) ?? Number.MAX_SAFE_INTEGER;
  return {
    rows: sorted.toSorted((one, other) => placeOf(one) - placeOf(other)),
    handlers: {
      // A finger enters and never leaves; it does not aim at something for long either.
      onPointerEnter: (event) => {
        current.pointed = event.pointerType === 'mouse';
      },
      onPointerLeave: () => {
        current.pointed = false;
      },
      onFocusIn: () => {
        current.focused = true;
      },
      onFocusOut: () => {
        current.focused = false;
      },
    },
  };
}
