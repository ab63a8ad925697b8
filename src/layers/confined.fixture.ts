import { isMainThread } from 'node:worker_threads';
import { serveConfinedTasks } from '../linux/index.ts';
import { layerTasks } from './index.ts';

if (!isMainThread) serveConfinedTasks(layerTasks);
