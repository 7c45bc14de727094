/**
 * What a test began is ended by it; but one that runs out of time ends nothing. What is still there
 * after the last test of a file is ended then, the youngest first.
 */
type End = () => void | Promise<void>;

const begun = new Set<End>();

/** @returns what is to be called once it has ended by itself, or was ended */
export function endAtLast(end: End): () => void {
  begun.add(end);
  return () => void begun.delete(end);
}

export async function endAll(): Promise<void> {
  const left = [...begun].reverse();
  begun.clear();
  for (const end of left) await end();
}
