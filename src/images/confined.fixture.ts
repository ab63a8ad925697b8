import { isMainThread } from 'node:worker_threads';
import { layerTasks } from '../layers/index.ts';
import { serveConfinedTasks } from '../linux/index.ts';

if (!isMainThread) serveConfinedTasks(layerTasks);
