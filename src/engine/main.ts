import { messageOf } from '../base/index.ts';
import { configure, helpText } from './configuration.ts';
import { Engine } from './engine.ts';
import { ENGINE_VERSION } from './version.ts';

/** Exit status for a command line or configuration that cannot be used. */
const BAD_CONFIGURATION = 1;

async function main(): Promise<void> {
  const invocation = configure(process.argv.slice(2));
  switch (invocation.action) {
    case 'help':
      process.stdout.write(helpText());
      return;
    case 'version':
      process.stdout.write(`Gantry version ${ENGINE_VERSION}\n`);
      return;
    case 'validate':
      process.stdout.write('configuration OK\n');
      return;
    case 'run':
      await runEngine(invocation.configuration);
  }
}

async function runEngine(configuration: Parameters<typeof Engine.start>[0]): Promise<void> {
  const engine = await Engine.start(configuration);
  const stop = (signal: NodeJS.Signals) => {
    engine.stop(signal).then(
      () => process.exit(0),
      (error) => {
        process.stderr.write(`gantryd: ${messageOf(error)}\n`);
        process.exit(1);
      },
    );
  };
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
}

main().catch((error) => {
  process.stderr.write(`gantryd: ${messageOf(error)}\n`);
  process.exit(BAD_CONFIGURATION);
});
