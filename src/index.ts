/**
 * The library. `createEngine` decides for sockets of your own; `createEdge` runs the whole edge;
 * `createBatchPool` analyses and scores in bulk; `connect` is a TLS client that solves puzzles.
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
export {
  ConnectError,
  type Connected,
  type ConnectOptions,
  connect,
  type PuzzleCost,
} from './library/connect.ts';
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
export type { CanaryArm } from './orchestrator/canaries.ts';
export type { ScorePart, ShadowDecision } from './orchestrator/verdict.ts';
export type { Diagnostic, Severity } from './pdl/diagnostics/diagnostic.ts';
