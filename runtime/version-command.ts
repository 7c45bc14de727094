/** The verb `version`, the same for both programs. */
import { Command } from 'commander';
import { VERSION } from './version.ts';

export function versionCommand(name: string): Command {
  return new Command('version')
    .description('print the version')
    .option('--json', 'as JSON, with the versions of Node and the platform')
    .action((options: { json?: boolean }) => {
      const facts = {
        name,
        version: VERSION,
        node: process.version,
        platform: `${process.platform}-${process.arch}`,
      };
      process.stdout.write(options.json ? `${JSON.stringify(facts)}\n` : `${name} ${VERSION}\n`);
    });
}
