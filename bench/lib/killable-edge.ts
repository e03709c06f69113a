/** An edge whose workers can be killed from outside: SIGUSR2 ends the next one, as a crash would. */
import { loadConfig } from '../../src/config/load.ts';
import { startSupervisor } from '../../src/edge/supervisor.ts';
import { createLog } from '../../src/observe/log.ts';

const loaded = loadConfig(process.argv[2]!, process.env, {});
if ('problems' in loaded) throw new Error(JSON.stringify(loaded.problems));
const { config } = loaded;
const edge = await startSupervisor({ config, log: createLog(config.log.level) });
let next = 0;
process.on('SIGUSR2', () => edge.killWorker(next++ % config.threads));
