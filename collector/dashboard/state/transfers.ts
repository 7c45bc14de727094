/**
 * Files that come in, as the collector lists them, kept up by the event stream.
 *
 * Invariant: of two reports of a transfer the one in which it was heard later stands, whichever way it came.
 */
import type {
  MachineView,
  TransfersView,
  TransferTotals,
  TransferView,
} from '../../api/contract.ts';

/** As many as the collector lists. */
const transfersMax = 200;

export class TransfersState {
  /** Those that were active when it was told first, then by name. */
  machines: readonly MachineView[] = [];
  totals: TransferTotals | null = null;
  bytesPerSecond = 0;
  /** Those that are not done first, then the most recently heard. */
  list: readonly TransferView[] = [];
  /** When the collector told `bytesPerSecond`. */
  toldMs = 0;

  load(view: TransfersView): void {
    this.#take(view, []);
  }

  update(view: TransfersView): void {
    this.#take(view, this.list);
  }

  #take(view: TransfersView, known: readonly TransferView[]): void {
    if (view.now >= this.toldMs) {
      this.machines = view.machines;
      this.totals = view.totals;
      this.bytesPerSecond = view.bytes_per_second;
      this.toldMs = view.now;
    }
    const byId = new Map(known.map((transfer) => [transfer.id, transfer]));
    for (const transfer of view.transfers) {
      const before = byId.get(transfer.id) ?? this.list.find(({ id }) => id === transfer.id);
      const isNewer = before === undefined || transfer.heard_ms >= before.heard_ms;
      byId.set(transfer.id, isNewer ? transfer : before);
    }
    this.list = [...byId.values()].sort(unfinishedFirst).slice(0, transfersMax);
  }
}

function unfinishedFirst(one: TransferView, other: TransferView): number {
  const done = Number(one.state === 'done') - Number(other.state === 'done');
  return done === 0 ? other.heard_ms - one.heard_ms : done;
}
