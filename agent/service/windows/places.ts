/** Where the service's things are. All is fixed when it is installed, whatever the environment says later. */
import { win32 } from 'node:path';

/** As the service manager, the event log and people call it. */
export const SERVICE_NAME = 'windrow-agent';

export interface Folder {
  readonly path: string;
  readonly settings: string;
  readonly token: string;
  readonly data: string;
  readonly log: string;
}

export interface Places {
  /** In a folder that only administrators may change: the service runs as the system itself. */
  readonly executable: string;
  /** Folders above the agent's own that are to be for administrators too. */
  readonly above: string;
  readonly folder: Folder;
}

/** @param env of an administrator who installs it */
export function placesOf(env: NodeJS.ProcessEnv): Places {
  const programs = env['ProgramFiles'] ?? 'C:\\Program Files';
  const above = win32.join(env['ProgramData'] ?? 'C:\\ProgramData', 'windrow');
  return {
    executable: win32.join(programs, 'windrow', `${SERVICE_NAME}.exe`),
    above,
    folder: folderAt(win32.join(above, 'agent')),
  };
}

/** What is in the folder that `service run` is given. */
export function folderAt(path: string): Folder {
  const inside = (name: string): string => win32.join(path, name);
  return {
    path,
    settings: inside('agent.yaml'),
    token: inside('token'),
    data: inside('data'),
    log: inside('agent.log'),
  };
}
