/** `npm test`: everything. Words after `--` select the jobs whose name contains one of them: `npm test -- api/networks`. */
import { join } from 'node:path';
import { checkJobs, furtherJobs } from './check-jobs.ts';
import { renderCount, runAll } from './run-all.ts';
import { selectJobs } from './select-jobs.ts';

// Programs that set-up has unpacked for the tests rather than installed.
process.env.PATH += `:/usr/local/sbin:/usr/sbin:/sbin:${join(import.meta.dirname, '../.setup/programs/usr/bin')}`;

const count = await runAll(selectJobs([...checkJobs(), ...furtherJobs()], process.argv.slice(2)));
process.stdout.write(renderCount(count));
process.exitCode = count.failed === 0 ? 0 : 1;
