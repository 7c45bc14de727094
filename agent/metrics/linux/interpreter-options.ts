/** The options of the interpreters whose scripts are named: which of their arguments is what. */

/**
 * What an option says of the arguments after it. `code`: there is no script (inline code, standard
 * input). `value`, `module`, `script`: the next argument is that. `flag`: nothing.
 */
type Role = 'code' | 'value' | 'module' | 'script' | 'flag';

export interface Grammar {
  /** Options of one letter may stand together (`-euo pipefail`); those not named are flags. */
  readonly letters?: Partial<Record<'code' | 'value' | 'module', string>>;
  /** Options of whole words, separated by spaces. */
  readonly words?: Partial<Record<Role, string>>;
  /** Flags that are known by how they begin. */
  readonly flags?: RegExp;
  /** May stand before the script: `deno run x.ts`. */
  readonly commands?: readonly string[];
  /** The script may be a class, `org.example.Main`. */
  readonly runsClasses?: true;
}

const shell: Grammar = {
  letters: { code: 'cs', value: 'oO' },
  words: { value: '--rcfile --init-file' },
  flags: /^--(?:no|login|posix)/,
};
const python: Grammar = { letters: { code: 'c', value: 'WX', module: 'm' } };
const perl: Grammar = { letters: { code: 'eE', value: 'IMm' } };
const ruby: Grammar = {
  letters: { code: 'e', value: 'IrCE' },
  flags: /^--(?:y?jit|enable|disable)/,
};
const php: Grammar = { letters: { code: 'rBREF', value: 'dcztS' } };
const lua: Grammar = { letters: { code: 'e', value: 'l' } };
const node: Grammar = {
  words: {
    code: '-e --eval -p --print -pe -c --check --run',
    value:
      '-r --require --import --loader --experimental-loader -C --conditions --title ' +
      '--inspect-port --watch-path --env-file --env-file-if-exists',
    flag: '--inspect --inspect-brk --watch --test --abort-on-uncaught-exception',
  },
  flags: /^--(?:no|enable|preserve|expose|harmony)-/,
  commands: ['inspect'],
};
const bun: Grammar = {
  words: {
    code: '-e --eval -p --print -c',
    value: '-r --require --preload --cwd --config --env-file',
    flag: '--watch --hot --smol --bun -b --silent',
  },
  commands: ['run'],
};
const deno: Grammar = {
  words: {
    code: '-e --eval -p --print',
    value: '-c --config --import-map --cert --location -L --log-level',
    flag: '-A -q --quiet --watch --cached-only',
  },
  flags: /^--(?:no|allow|unstable)-/,
  commands: ['run', 'serve'],
};
const java: Grammar = {
  words: {
    script: '-jar',
    module: '-m --module',
    value:
      '-cp -classpath --class-path -p --module-path --upgrade-module-path --add-modules ' +
      '--add-opens --add-exports --add-reads --limit-modules --patch-module --source',
  },
  flags:
    /^-(?:[XD]|ea|esa|da|dsa|verbose|(?:agentlib|agentpath|javaagent):|server$|client$|-enable)/,
  runsClasses: true,
};
const dotnet: Grammar = {
  words: {
    value:
      '--additionalprobingpath --additional-deps --depsfile --runtimeconfig --fx-version ' +
      '--roll-forward',
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

/** `program` is a base name. Undefined for what is no interpreter. */
export function grammarOf(program: string): Grammar | undefined {
  return grammars.find(([names]) => names.test(program))?.[1];
}

export interface Option {
  /** Undefined when the option is not known. */
  readonly role: Role | undefined;
  /** The value when it stands in the same word. */
  readonly rest?: string;
}

export function optionOf(word: string, grammar: Grammar): Option {
  const [name = '', rest] = word.split(/=(.*)/s);
  const value = rest === undefined ? {} : { rest };
  for (const role of ['code', 'value', 'module', 'script', 'flag'] as const) {
    if (grammar.words?.[role]?.split(' ').includes(name) === true) return { role, ...value };
  }
  if (grammar.flags?.test(word) === true) return { role: 'flag' };
  if (grammar.letters !== undefined && !word.startsWith('--')) {
    return clusterOf(word.slice(1), grammar.letters);
  }
  return { role: rest === undefined ? undefined : 'flag' };
}

/** The first letter that is more than a flag decides: what follows it is its value. */
function clusterOf(cluster: string, letters: NonNullable<Grammar['letters']>): Option {
  for (let at = 0; at < cluster.length; at += 1) {
    const letter = cluster.charAt(at);
    if (!/[A-Za-z0-9]/.test(letter)) break;
    for (const role of ['code', 'value', 'module'] as const) {
      if (letters[role]?.includes(letter) !== true) continue;
      const rest = cluster.slice(at + 1);
      return rest === '' ? { role } : { role, rest };
    }
  }
  return { role: 'flag' };
}
