/**
 * Which script an interpreter runs, from its arguments.
 *
 * Arguments may hold secrets, so the answer is a script's base name, a module's or a main class's
 * name, or nothing. An argument that is not surely one of these ends the search: to name too
 * little is harmless.
 */
import { type Grammar, grammarOf, optionOf } from './interpreter-options.ts';

const extension =
  /\.(?:[cm]?[jt]s|[jt]sx|py[cwz]?|rb|ru|p[lm]|php|phar|jar|war|java|dll|exe|csx|lua|(?:ba|z|k|fi)?sh)$/;
/** No space, quote, `=` or other sign of code, a header, a setting or an address. */
const plainFile = /^[^\s"'`=;?&|:\\<>$(){}]*[\p{L}\p{N}][^\s"'`=;?&|:\\<>$(){}]*$/u;
const className = /^(?:[a-z_]\w*\.)+[A-Z][\w$]*$/;
const moduleName = /^[A-Za-z_][\w.$-]*(?:\/[\w.$]+)?$/;

export function isInterpreter(program: string): boolean {
  return grammarOf(program) !== undefined;
}

/** What stands after the last slash. */
export function baseOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

/** Whether a path's base name can be shown as that of a script. */
export function isPlainPath(path: string): boolean {
  return !/:\/\/|=|^\/(?:dev|proc)\//.test(path) && plainFile.test(baseOf(path));
}

/** `server.js`, `-m http.server` or `org.example.Main`; undefined when no script is surely named. */
export function scriptOf(program: string, words: readonly string[]): string | undefined {
  const grammar = grammarOf(program);
  if (grammar === undefined) return undefined;
  // After an unknown option the next word may be its value: then only an extension convinces.
  let isSure = true;
  let mayCommand = true;
  for (let at = 0; at < words.length; at += 1) {
    const word = words[at] ?? '';
    const next = words[at + 1] ?? '';
    if (word === '--') return shownScript(next, grammar, isSure);
    if (!/^[-+]./.test(word)) {
      if (!mayCommand || grammar.commands?.includes(word) !== true) {
        return shownScript(word, grammar, isSure);
      }
      mayCommand = false;
      continue;
    }
    const { role, rest } = optionOf(word, grammar);
    if (role === 'code') return undefined;
    if (role === 'script') return shownScript(next, grammar, true);
    if (role === 'module') {
      const module = rest ?? next;
      return moduleName.test(module) ? `-m ${module}` : undefined;
    }
    if (role === 'value' && rest === undefined) at += 1;
    if (role === undefined) isSure = false;
  }
  return undefined;
}

function shownScript(word: string, grammar: Grammar, isSure: boolean): string | undefined {
  if (grammar.runsClasses === true && isSure && className.test(word)) return word;
  if (!isPlainPath(word)) return undefined;
  const base = baseOf(word);
  return extension.test(base) || (isSure && word.includes('/')) ? base : undefined;
}
