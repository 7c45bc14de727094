/**
 * A command line as Windows programs take it apart (CommandLineToArgvW, "Parsing C Command-Line
 * Arguments"): backslashes are themselves but before a quote, where each pair is one.
 */
export function commandLineOf(words: readonly string[]): string {
  return words.map(quoted).join(' ');
}

/** Always quoted: without, `C:\Program Files\x.exe` may start `C:\Program.exe`. */
function quoted(word: string): string {
  return `"${word.replaceAll(/(\\*)"/g, String.raw`$1$1\"`).replace(/\\+$/, '$&$&')}"`;
}
