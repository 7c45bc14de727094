import { readFileSync } from 'node:fs';
import { messageOf, WindrowError } from '../errors.ts';

/** The text of a file that a setting names. @throws WindrowError `config`, naming the key */
export function readSettingFile(key: string, path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new WindrowError('config', `${key}: ${messageOf(error)}`, {
      cause: error,
      hint: 'Name a file that this user may read.',
    });
  }
}
