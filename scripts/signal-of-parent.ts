/** npm and its shell may be killed without a word to the script they run; then it has another parent. */
const parentPollMs = 1_000;

/** Aborts when whoever started this process is gone. */
export function signalOfParent(): AbortSignal {
  const controller = new AbortController();
  const parent = process.ppid;
  setInterval(() => {
    if (process.ppid !== parent) controller.abort();
  }, parentPollMs).unref();
  return controller.signal;
}
