/** What is built, and for which systems. Names here are those of npm's packages and of the files in dist/. */

export interface Program {
  readonly name: string;
  /** Its first module, from the root. */
  readonly entry: string;
  /** Options of Node with which it always runs. */
  readonly nodeOptions: readonly string[];
  /** Where it changes V8's flags while it starts. */
  readonly underFlags: readonly UnderFlags[];
}

export interface UnderFlags {
  /** As code-cache-maker.ts knows them. */
  readonly flags: string;
  /** From the root; what these need, or may need later, is loaded under the flags. */
  readonly modules: readonly string[];
}

export const PROGRAMS: readonly Program[] = [
  {
    name: 'windrow-agent',
    entry: 'agent/launch.js',
    // As agent/launch.js begins again with it; an executable has it from the beginning.
    nodeOptions: ['--no-concurrent-recompilation'],
    underFlags: [
      {
        flags: 'light',
        modules: ['agent/checked-settings.js', 'runtime/run-to-end.ts', 'agent/run.ts'],
      },
      {
        flags: 'young-small',
        modules: [
          'agent/main.ts',
          'blocks/sending/pipeline/worker.ts',
          'blocks/receiving/processing/thread.ts',
          'blocks/receiving/threads/thread.ts',
          'native/sha256/measure-worker.ts',
        ],
      },
    ],
  },
  {
    name: 'windrow-collector',
    entry: 'collector/main.ts',
    nodeOptions: [],
    underFlags: [
      {
        flags: 'little-memory',
        modules: [
          'collector/app.ts',
          'collector/store/samples-ahead-thread.ts',
          'blocks/receiving/threads/thread.ts',
        ],
      },
    ],
  },
];

/** Packages that are an addon alone; the ones for each system are packages too. */
export const ADDONS = ['lz4-napi'];

export interface Target {
  readonly name: 'linux-x64' | 'win-x64';
  readonly extension: '' | '.exe';
  /** How the packages with an addon for it end, and the file in them. */
  readonly addon: (name: string) => { readonly package: string; readonly path: string };
  /** Whether our own addons (native/*.node) are for it. */
  readonly hasOwnAddons: boolean;
}

export const LINUX: Target = {
  name: 'linux-x64',
  extension: '',
  addon: (name) => addonOf(name, 'linux-x64-gnu'),
  hasOwnAddons: false,
};

export const WINDOWS: Target = {
  name: 'win-x64',
  extension: '.exe',
  addon: (name) => addonOf(name, 'win32-x64-msvc'),
  hasOwnAddons: true,
};

/** As napi-rs names them. */
function addonOf(name: string, system: string) {
  return { package: `@antoniomuso/${name}-${system}`, path: `${name}.${system}.node` };
}
