/** Settings that are written into a person's own YAML file, which keeps its comments and its order. */
import { isMap, parseDocument } from 'yaml';

/**
 * @param text of the file; of one with comments alone too
 * @param settings by their keys (`kafka.group`)
 */
export function withSettingsIn(text: string, settings: Readonly<Record<string, unknown>>): string {
  const document = parseDocument(text);
  const written = Object.entries(settings).map(([key, value]) => [key.split('.'), value] as const);
  if (!isMap(document.contents)) {
    // What is commented out stays above what is set.
    const added = parseDocument('{}');
    if (isMap(added.contents)) added.contents.flow = false;
    for (const [path, value] of written) added.setIn(path, value);
    return written.length === 0 ? text : `${text.trimEnd()}\n\n${added.toString()}`;
  }
  for (const [path, value] of written) document.setIn(path, value);
  return document.toString();
}
