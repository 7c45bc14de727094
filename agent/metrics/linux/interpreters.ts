/**
 * Which script an interpreter runs, from its arguments.
 *
 * Arguments may hold secrets, so the answer is a script's base name, a module's or a main class's
 * name, or nothing. An argument that is not surely one of these ends the search: to name too
 * little is harmless.
 */

/**
 * What an option says of the arguments after it. `code`: there is no script (inline code, standard
 * input). `value`, `module`, `script`: the next argument is that. `flag`: nothing.
 */
type Role = 'code' | 'value' | 'module' | 'script' | 'flag';

interface Grammar {
  /** Options of one letter may stand together (`-euo pipefail`); those not named are flags. */
  readonly letters?: Partial<Record<'code' | 'value' | 'module', string>>;
  readonly words?: Partial<Record<Role, readonly string[]>>;
  /** Flags that are known by how they begin. */
  readonly flags?: RegExp;
  /** May stand before the script: `deno run x.ts`. */
  readonly commands?: readonly string[];
  /** The script may be a class, `org.example.Main`. */
  readonly runsClasses?: true;
}

const shell: Grammar = {
  letters: { code: 'cs', value: 'oO' },
  words: { value: ['--rcfile', '--init-file'] },
  flags: /^--(?:no|login|posix)/,
};
const python: Grammar = { letters: { code: 'c', value: 'WX', module: 'm' } };
const perl: Grammar = { letters: { code: 'eE', value: 'IMm' } };
const ruby: Grammar = { letters: { code: 'e', value: 'IrCE' } };
const php: Grammar = { letters: { code: 'rBREF', value: 'dcztS' } };
const lua: Grammar = { letters: { code: 'e', value: 'l' } };
const evaluating = ['-e', '--eval', '-p', '--print', '-pe', '-c'];
const node: Grammar = {
  words: {
    code: [...evaluating, '--check', '--run'],
    value: [
      ...['-r', '--require', '--import', '--loader', '--experimental-loader', '-C', '--conditions'],
      ...['--title', '--inspect-port', '--watch-path', '--env-file', '--env-file-if-exists'],
    ],
    flag: ['--inspect', '--inspect-brk', '--watch', '--test', '--abort-on-uncaught-exception'],
  },
  flags: /^--(?:no|enable|preserve|expose|harmony)-/,
  commands: ['inspect'],
};
const bun: Grammar = {
  words: {
    code: evaluating,
    value: ['-r', '--require', '--preload', '--cwd', '--config', '--env-file'],
    flag: ['--watch', '--hot', '--smol', '--bun', '-b', '--silent'],
  },
  commands: ['run'],
};
const deno: Grammar = {
  words: {
    code: ['-e', '--eval', '-p', '--print'],
    value: ['-c', '--config', '--import-map', '--cert', '--location', '-L', '--log-level'],
    flag: ['-A', '-q', '--quiet', '--watch', '--cached-only'],
  },
  flags: /^--(?:no|allow|unstable)-/,
  commands: ['run', 'serve'],
};
const java: Grammar = {
  words: {
    script: ['-jar'],
    module: ['-m', '--module'],
    value: [
      ...['-cp', '-classpath', '--class-path', '-p', '--module-path', '--upgrade-module-path'],
      ...['--add-modules', '--add-opens', '--add-exports', '--add-reads', '--limit-modules'],
      ...['--patch-module', '--source'],
    ],
  },
  flags: /^-(?:[XD]|ea|esa|da|dsa|agentlib:|agentpath:|javaagent:|server$|client$|-enable)/,
  runsClasses: true,
};
const dotnet: Grammar = {
  words: {
    value: [
      ...['--additionalprobingpath', '--additional-deps', '--depsfile', '--runtimeconfig'],
      ...['--fx-version', '--roll-forward'],
    ],
  },
  // Not `run`: what follows that are the program's own arguments.
  commands: ['exec'],
};

const grammars: readonly (readonly [RegExp, Grammar])[] = [
  [/^(?:ba|da|a|z|k|mk|fi)?sh$/, shell],
  [/^(?:python|pypy)[\d.]*$/, python],
  [/^node(?:js)?$/, node],
  [/^bun$/, bun],
  [/^deno$/, deno],
  [/^perl[\d.]*$/, perl],
  [/^ruby[\d.]*$/, ruby],
  [/^php[\d.]*$/, php],
  [/^lua(?:jit)?[\d.]*$/, lua],
  [/^java$/, java],
  [/^dotnet$/, dotnet],
];

const extension =
  /\.(?:[cm]?[jt]s|[jt]sx|py[cwz]?|rb|ru|p[lm]|php|phar|jar|war|java|dll|exe|csx|lua|(?:ba|z|k|fi)?sh)$/;
/** No space, quote, `=` or other sign of code, a header, a setting or an address. */
const plainFile = /^[^\s"'`=;?&|:\\<>$(){}]*[\p{L}\p{N}][^\s"'`=;?&|:\\<>$(){}]*$/u;
const className = /^(?:[a-z_]\w*\.)+[A-Z][\w$]*$/;
const moduleName = /^[A-Za-z_][\w.$-]*(?:\/[\w.$]+)?$/;

function grammarOf(program: string): Grammar | undefined {
  return grammars.find(([names]) => names.test(program))?.[1];
}

export function isInterpreter(program: string): boolean {
  return grammarOf(program) !== undefined;
}

/** What stands after the last slash. */
export function baseOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

/** Whether a path's base name can be shown as that of a script. */
export function isPlainPath(path: string): boolean {
  return !path.includes('://') && !/^\/(?:dev|proc)\//.test(path) && plainFile.test(baseOf(path));
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

interface Option {
  /** Undefined when the option is not known. */
  readonly role: Role | undefined;
  /** The value when it stands in the same word. */
  readonly rest?: string;
}

function optionOf(word: string, grammar: Grammar): Option {
  const [name = '', rest] = word.split(/=(.*)/s);
  const value = rest === undefined ? {} : { rest };
  for (const role of ['code', 'value', 'module', 'script', 'flag'] as const) {
    if (grammar.words?.[role]?.includes(name) === true) return { role, ...value };
  }
  if (grammar.flags?.test(word) === true) return { role: 'flag' };
  if (grammar.letters !== undefined && !word.startsWith('--')) {
    return clusterOf(word.slice(1), grammar.letters);
  }
  return { role: rest === undefined ? undefined : 'flag' };
}

/** The first letter that is more than a flag decides: what follows it is its value. */
function clusterOf(cluster: string, letters: NonNullable<Grammar['letters']>): Option {
  for (const [at, letter] of [...cluster].entries()) {
    if (!/[A-Za-z0-9]/.test(letter)) break;
    for (const role of ['code', 'value', 'module'] as const) {
      if (letters[role]?.includes(letter) !== true) continue;
      const rest = cluster.slice(at + 1);
      return rest === '' ? { role } : { role, rest };
    }
  }
  return { role: 'flag' };
}
