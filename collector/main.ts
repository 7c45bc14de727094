#!/usr/bin/env node
/** The collector's verbs, nothing else. */
import { Command } from 'commander';
import { runCli } from '../runtime/cli.ts';
import { configCommand, versionCommand } from '../runtime/config/commands.ts';
import { alertCommand } from './commands/alert.ts';
import { doctorCommand } from './commands/doctor.ts';
import { exportCommand } from './commands/export.ts';
import { notifyCommand } from './commands/notify.ts';
import { SERVE_FLAGS, serveCommand } from './commands/serve.ts';
import { serverCommand } from './commands/server.ts';
import { tokenCommand } from './commands/token.ts';
import { totalCommand } from './commands/total.ts';
import { windowsCommand } from './commands/windows.ts';
import { loadAlertsFile } from './alerts/rules/load.ts';
import { alertsPath, checkSettings, COLLECTOR_SPEC } from './config.ts';

const program = new Command('windrow-collector')
  .description('windrow collector: windows, history and a live page from the samples of agents')
  .addCommand(serveCommand())
  .addCommand(windowsCommand())
  .addCommand(exportCommand())
  .addCommand(alertCommand())
  .addCommand(notifyCommand())
  .addCommand(serverCommand())
  .addCommand(tokenCommand())
  .addCommand(totalCommand())
  .addCommand(
    configCommand({
      spec: COLLECTOR_SPEC,
      program: 'collector',
      flags: SERVE_FLAGS,
      check: ({ values }) => {
        checkSettings(values);
        loadAlertsFile(alertsPath(values));
      },
    }),
  )
  .addCommand(doctorCommand())
  .addCommand(versionCommand('windrow-collector'));

await runCli(program, process.argv.slice(2));
