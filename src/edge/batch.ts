/** The batch pool's task: compiles a policy away from the event loops that carry traffic. */
import {
  type CompileOutcome,
  type CompileRequest,
  compilePolicyFile,
} from '../orchestrator/compile-policy.ts';

export default function compileTask(request: CompileRequest): CompileOutcome {
  return compilePolicyFile(request);
}
