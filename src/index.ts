/**
 * The library. `createEngine` decides for sockets of your own; `createEdge` runs the whole edge;
 * `createBatchPool` analyses and scores in bulk.
 */
export {
  type BatchDecision,
  type BatchHello,
  type BatchOptions,
  type BatchPool,
  type Columns,
  createBatchPool,
  type HelloAnalysis,
} from './library/batch.ts';
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
