import { useRef } from 'preact/hooks';
import type { Row } from './rows.ts';

/** Rows sorted by a live value change places at most this often. */
const calmMs = 3_000;

interface CalmOrder {
  readonly rows: readonly Row[];
  /** For the element around the rows: while it is pointed at or in focus, no row moves away. */
  readonly handlers: {
    readonly onPointerEnter: (event: PointerEvent) => void;
    readonly onPointerLeave: () => void;
    readonly onFocusIn: () => void;
    readonly onFocusOut: () => void;
  };
}

/** Keeps rows where they are for a while, so that a person can read them and hit what they aim at. */
export function useCalmOrder(sorted: readonly Row[], orderKey: string): CalmOrder {
  const kept = useRef({ ids: [] as number[], orderKey: '', at: 0, pointed: false, focused: false });
  const { current } = kept;
  const ids = sorted.map((row) => row.server.id);
  const held = current.pointed || current.focused || performance.now() - current.at < calmMs;
  if (!held || current.orderKey !== orderKey) {
    Object.assign(current, { ids, orderKey, at: performance.now() });
  }
  const place = new Map(current.ids.map((id, index) => [id, index]));
  const placeOf = (row: Row): number => place.get(row.server.id) ?? Number.MAX_SAFE_INTEGER;
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
