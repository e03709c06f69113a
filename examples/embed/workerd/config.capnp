# workerd serve examples/embed/workerd/config.capnp, then: curl --data-binary @examples/embed/vectors.tsv localhost:8080
using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [(name = "decide", worker = .decide)],
  sockets = [(name = "http", address = "127.0.0.1:8080", http = (), service = "decide")],
);

const decide :Workerd.Worker = (
  compatibilityDate = "2026-11-01",
  modules = [
    (name = "examples/embed/workerd/worker.mjs", esModule = embed "worker.mjs"),
    (name = "examples/embed/lib/decision-core.mjs", esModule = embed "../lib/decision-core.mjs"),
    (name = "examples/embed/lib/vectors.mjs", esModule = embed "../lib/vectors.mjs"),
    (name = "include/sallyport_core.mjs", esModule = embed "../../../include/sallyport_core.mjs"),
    (name = "examples/embed/workerd/policy.image", data = embed "../policy/policy.image"),
    (name = "examples/embed/workerd/policy.tables", data = embed "../policy/policy.tables"),
    (name = "examples/embed/workerd/sallyport_core.wasm", wasm = embed "../../../src/core/sallyport_core.wasm"),
  ],
);
