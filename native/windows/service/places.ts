/** Where a service's things are. All is fixed when it is installed, whatever the environment says later. */
import { win32 } from 'node:path';
import { codeFolder } from '../../../runtime/extracted.ts';

export interface Folder {
  readonly path: string;
  readonly settings: string;
  readonly token: string;
  readonly data: string;
  /** What the service loads as code. */
  readonly code: string;
  readonly log: string;
}

export interface Places {
  /** In a folder that only administrators may change. */
  readonly executable: string;
  /** The folder above the program's own that is to be for administrators too. */
  readonly above: string;
  readonly folder: Folder;
}

/**
 * As the service manager, the event log and people call it.
 * @param program `agent` or `collector`
 */
export function serviceName(program: string): string {
  return `windrow-${program}`;
}

/** @param env of an administrator who installs it */
export function placesOf(program: string, env: NodeJS.ProcessEnv): Places {
  const programs = env['ProgramFiles'] ?? 'C:\\Program Files';
  const above = win32.join(env['ProgramData'] ?? 'C:\\ProgramData', 'windrow');
  return {
    executable: win32.join(programs, 'windrow', `${serviceName(program)}.exe`),
    above,
    folder: folderAt(win32.join(above, program), program),
  };
}

/** What is in the folder that `service run` is given. */
export function folderAt(path: string, program: string): Folder {
  const inside = (name: string): string => win32.join(path, name);
  return {
    path,
    settings: inside(`${program}.yaml`),
    token: inside('token'),
    data: inside('data'),
    code: inside(codeFolder),
    log: inside(`${program}.log`),
  };
}
