#!/usr/bin/env node
/** The client program `gantry`. Without top-level await, so that it can be bundled as CommonJS, which starts faster. */

import { runProgram } from './program.ts';

runProgram(process.argv.slice(2), process.env).then((code) => process.exit(code));
