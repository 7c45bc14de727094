/** What became of the samples that were sent. */
export interface DeliveryCounts {
  /** Samples stored. */
  received: number;
  /** Samples that came after a window they belong to was final. */
  late: number;
  /** Samples that had been received before. */
  duplicates: number;
  /** Samples that no sender has any more and that never came. */
  lost: number;
}

/** What ingest has seen since the program started. */
export interface IngestCounts extends DeliveryCounts {
  /** Records put aside because they have no valid form. */
  quarantined: number;
  windows: number;
}

export function noCounts(): IngestCounts {
  return { ...noDelivery(), quarantined: 0, windows: 0 };
}

export function noDelivery(): DeliveryCounts {
  return { received: 0, late: 0, duplicates: 0, lost: 0 };
}
