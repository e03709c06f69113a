/** One thread of the benchmark of the shared tables. */
import { workerData } from 'node:worker_threads';
import { count, type HistoryJob } from '../history.ts';

count(workerData as HistoryJob);
