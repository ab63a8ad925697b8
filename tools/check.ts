/** `npm run check`: everything that needs no engine. Words after `--` select the jobs whose name contains one of them. */
import { checkJobs } from './check-jobs.ts';
import { renderCount, runAll } from './run-all.ts';
import { selectJobs } from './select-jobs.ts';

const count = await runAll(selectJobs(checkJobs(), process.argv.slice(2)));
process.stdout.write(renderCount(count));
process.exitCode = count.failed === 0 ? 0 : 1;
