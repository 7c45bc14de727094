/**
 * File names from the wire, made into names that are safe on Linux, Windows and macOS. Pure.
 *
 * Invariant: what comes out is one visible name inside its folder on each of them: neither empty, `.`
 * nor `..`, without separator, drive, stream, device or control character, 255 bytes at most.
 */

/** The longest name of ext4, XFS and NTFS, in UTF-8 on the first two. */
const nameBytesMax = 255;
/** Of a whole path from the wire, so that with the folder before it Linux takes it (4,096). */
const pathBytesMax = 2_048;
const depthMax = 64;

/** What no name on Windows may hold; the slash nowhere. */
const forbidden = /[<>:"/\\|?*]/u;
/** What cannot be seen or acts on what is around it: controls, formats (zero width, direction), separators, halves of characters, characters of nobody. */
const unseen = /[\p{C}\p{Zl}\p{Zp}]/u;
/** Names of devices on Windows, whatever extension follows. Source: learn.microsoft.com, "Naming Files, Paths, and Namespaces". */
const device = /^(?:con|prn|aux|nul|conin\$|conout\$|clock\$|com[0-9¹²³]|lpt[0-9¹²³])\s*(?:\.|$)/iu;

/** One name: never empty, and as it was where it is harmless. */
export function safeName(name: string): string {
  const seen = Array.from(name.normalize('NFC'), safeCharacter).join('');
  // Windows leaves dots and spaces at the end out, and `.` and `..` are no names.
  const ended = seen.replace(/[. ]+$/u, (end) => '_'.repeat(end.length));
  const named = device.test(ended) ? `_${ended}` : ended;
  return cut(named, nameBytesMax) || '_';
}

/** The folder of a file's blocks: dots become underscores, as the old system had it. */
export function folderName(fileName: string): string {
  return safeName(fileName.replaceAll('.', '_'));
}

/** A relative path inside an output folder, with `/`; of one that is too long or too deep the last name. */
export function safePath(path: string): string {
  const names = path
    .split('/')
    .filter((name) => name !== '' && name !== '.')
    .map(safeName);
  const joined = names.join('/');
  const isUsable = names.length <= depthMax && Buffer.byteLength(joined) <= pathBytesMax;
  return isUsable && joined !== '' ? joined : (names.at(-1) ?? '_');
}

/** The names that are tried one after the other for what came with `transferId`: the name itself, then with ever more of the id behind it. */
export function namesFor(name: string, transferId: string): string[] {
  return [name, ...[8, 16, 32].map((digits) => suffixed(name, transferId.slice(0, digits)))];
}

/** Two names with one key are one file on some system. */
export function foldKey(name: string): string {
  // Upper case first: ß and ẞ and SS are one on their way there, and lower case alone keeps them apart.
  return name.normalize('NFKC').toUpperCase().toLowerCase().normalize('NFKC');
}

function suffixed(path: string, digits: string): string {
  const slash = path.lastIndexOf('/') + 1;
  const end = `~${digits}`;
  return path.slice(0, slash) + cut(path.slice(slash), nameBytesMax - end.length) + end;
}

/** Look-alikes too: a full-width slash becomes a plain one where names are turned into an old code page. */
function safeCharacter(character: string): string {
  if (unseen.test(character) || forbidden.test(character)) return '_';
  const plain = character.normalize('NFKC');
  const actsAlike = forbidden.test(plain) || plain.includes('.') || unseen.test(plain);
  return character !== plain && actsAlike ? '_' : character;
}

/** At most so many bytes of UTF-8, in whole characters. */
function cut(name: string, bytesMax: number): string {
  if (Buffer.byteLength(name) <= bytesMax) return name;
  let kept = '';
  let bytes = 0;
  for (const character of name) {
    bytes += Buffer.byteLength(character);
    if (bytes > bytesMax) break;
    kept += character;
  }
  // The cut may have left a dot or a space at the end.
  return kept.replace(/[. ]+$/u, (end) => '_'.repeat(end.length));
}
