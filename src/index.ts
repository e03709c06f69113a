/** The library. `createEngine` decides for sockets of your own; `createEdge` runs the whole edge. */
export type { EngineDecision, HelloSummary } from './library/decision.ts';
export {
  type BoundListener,
  ConfigError,
  createEdge,
  DeploymentError,
  type Edge,
  type EdgeOptions,
  type ReloadResult,
} from './library/edge.ts';
export {
  type ClientDescription,
  createEngine,
  createState,
  type EngineOptions,
  type EngineState,
  type PolicyEngine,
  PolicyError,
} from './library/engine.ts';
export type { Diagnostic, Severity } from './pdl/diagnostics/diagnostic.ts';
