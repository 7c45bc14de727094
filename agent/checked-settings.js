/**
 * The settings of `run`, checked by main.ts in a process of its own: this one never loads what that
 * takes. In JavaScript, as launch.js is, and for its reason: that process fills the cache.
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const settingsFd = 3;
const settingsMsMax = 60_000;

/**
 * Ends the process when they are wrong, or help is asked for.
 * @param {readonly string[]} flags
 * @returns {import('./config.ts').AgentConfig}
 */
export function checkedSettings(flags) {
  const { settings, status } = askForSettings(flags, 'inherit');
  // It has said what is wrong, or how the verb is used.
  if (settings === undefined) process.exit(status);
  return settings;
}

/**
 * @typedef {object} Answer
 * @property {import('./config.ts').AgentConfig | undefined} settings undefined when they are wrong
 * @property {number} status exit code
 * @property {string} complaint what is wrong with them; '' unless it was to be piped
 */

/**
 * @param {readonly string[]} flags
 * @param {'inherit' | 'pipe'} output what becomes of what it says to people
 * @returns {Answer}
 */
export function askForSettings(flags, output) {
  const verb = ['run', '--settings-fd', `${settingsFd}`, ...flags];
  const answer = spawnSync(process.execPath, [...ownArguments(), ...verb], {
    stdio: [output === 'pipe' ? 'ignore' : 'inherit', output, output, 'pipe'],
    timeout: settingsMsMax,
    windowsHide: true,
  });
  if (answer.error !== undefined) throw answer.error;
  const status = answer.status ?? 1;
  const settings = answer.output[settingsFd]?.toString() ?? '';
  const good = status === 0 && settings !== '';
  return {
    settings: good ? JSON.parse(settings) : undefined,
    status,
    complaint: answer.stderr?.toString() ?? '',
  };
}

/** What `ownCommand` of runtime/program.ts says. */
function ownArguments() {
  const main = new URL('./main.ts', import.meta.url);
  return main.protocol === 'file:' ? [...process.execArgv, fileURLToPath(main)] : [main.href];
}
