/** The shared vector file: one client a line, its columns separated by tabs; `-` is an empty one. */

const bytes = (hex) =>
  hex === '-' ? new Uint8Array() : Uint8Array.from(hex.match(/../g), (digits) => Number.parseInt(digits, 16));

/** The clients of a vector file, as `DecisionCore.look` takes them. */
export function readVectors(text) {
  return text
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => {
      const [name, form, proto, ip, syn, hello] = line.split('\t');
      return {
        name,
        form: Number(form),
        proto: Number(proto),
        ip: bytes(ip),
        syn: bytes(syn),
        hello: bytes(hello),
      };
    });
}

/** What every host must print: one JSON object a line. */
export function answerVectors(core, text) {
  return readVectors(text)
    .map((client) => `${JSON.stringify({ ...core.look(client), puzzle: core.solve(client.ip) })}\n`)
    .join('');
}
