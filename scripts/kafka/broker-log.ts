/** What a broker's log (log4j2.xml) tells of why it ended. */
import { closeSync, existsSync, fstatSync, openSync, readSync } from 'node:fs';

/** Of its end: a broker that fails says a lot about going down after it said why. */
const tailBytes = 64 * 1024;
const linesMax = 8;
/** Those that warn are left out: brokers of a cluster warn of each other all the time. */
const failed = /^\d{4}-\S+ (?:ERROR|FATAL) /;

/** Its last failures; none when there is no log. */
export function lastErrors(path: string): string[] {
  return errorsOf(tailOf(path));
}

/** Each failure with the lines that belong to it, without the stack; bounded. */
export function errorsOf(log: string): string[] {
  let isOfFailure = false;
  return log
    .split('\n')
    .filter((line) => {
      if (/^\d{4}-\d\d-\d\dT/.test(line)) isOfFailure = failed.test(line);
      return isOfFailure && line !== '' && !/^\s+(?:at |\.\.\. \d+ more)/.test(line);
    })
    .slice(-linesMax);
}

function tailOf(path: string): string {
  if (!existsSync(path)) return '';
  const file = openSync(path, 'r');
  try {
    const buffer = Buffer.alloc(tailBytes);
    const from = Math.max(0, fstatSync(file).size - tailBytes);
    return buffer.toString('utf8', 0, readSync(file, buffer, 0, tailBytes, from));
  } finally {
    closeSync(file);
  }
}
