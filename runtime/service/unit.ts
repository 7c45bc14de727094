/**
 * The systemd unit of a program that is one file, made of the unit for a clone (config/systemd): the
 * same hardening and the same promises, however it is installed.
 */

export interface UnitOptions {
  /** `windrow-agent` */
  readonly name: string;
  readonly executable: string;
  /** Names of credentials in the unit's comments that are to be loaded. */
  readonly credentials: readonly string[];
}

const CLONE = '/opt/windrow';
const COMMAND = new RegExp(`${CLONE}/node_modules/\\.bin/node ${CLONE}/\\S+`, 'g');

/** @param template text of the unit in config/systemd */
export function unitOf(template: string, { name, executable, credentials }: UnitOptions): string {
  const own = `# The service of ${executable}, placed by \`${name} service install\`, which writes over it:\n# change it with \`systemctl edit ${name}\`.\n`;
  const unit = template
    .replace(/^(?:#.*\n)+/, own)
    .replaceAll(COMMAND, executable)
    .replaceAll(/^#LoadCredential=(\w+):/gm, (line, credential: string) =>
      credentials.includes(credential) ? line.slice(1) : line,
    );
  if (unit.includes(CLONE)) throw new Error(`the unit of ${name} names something in ${CLONE}`);
  return unit;
}
