/** YAML files that people write. */
import { LineCounter, parseDocument } from 'yaml';
import { messageOf, WindrowError } from '../errors.ts';

/** @returns undefined for a file that holds nothing. @throws WindrowError `config` naming file and line */
export function parseYaml(text: string, path: string): unknown {
  const lineCounter = new LineCounter();
  const document = parseDocument(text, { lineCounter, prettyErrors: false });
  const [problem] = document.errors;
  if (problem !== undefined) {
    const { line } = lineCounter.linePos(problem.pos[0]);
    throw new WindrowError('config', `${path} line ${line}: ${problem.message}`);
  }
  try {
    return document.toJS({ maxAliasCount: 0 }) ?? undefined;
  } catch (cause) {
    // A file of a few lines could unfold to gigabytes.
    throw new WindrowError('config', `${path}: aliases are not taken: ${messageOf(cause)}`, {
      cause,
    });
  }
}
