import type { MachineView, TransferTotals } from '../../api/contract.ts';

/** Machines that are not among those shown. One that sends and receives is shown twice, and is one. */
export function notShown(shown: readonly MachineView[], totals: TransferTotals): number {
  return totals.machines - new Set(shown.map(({ machine_id }) => machine_id)).size;
}
