/** A batch worker's tasks, on a thread that runs only where no other one wants the processor (Linux, with the addon). */
import { loadAddon } from './addon.ts';

loadAddon().addon?.runInBackground();

export { database, default, judge } from '../batch/task.ts';
