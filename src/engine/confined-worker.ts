import { layerTasks } from '../layers/index.ts';
import { serveConfinedTasks } from '../linux/index.ts';

// The program of every confined thread: all tasks of all tiers, loaded before the thread leaves the real root.
serveConfinedTasks(layerTasks);
