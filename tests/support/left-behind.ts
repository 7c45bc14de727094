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

/** @throws what the first that does not end well throws, when all have been tried */
export async function endAll(): Promise<void> {
  const left = [...begun].reverse();
  begun.clear();
  const errors: unknown[] = [];
  for (const end of left) {
    try {
      await end();
    } catch (error) {
      errors.push(error);
    }
  }
  if (errors.length > 0) throw errors[0];
}
