/** The page: reads what is pasted, asks the decision core, shows its answer. */
import { STATUSES } from '../../../include/sallyport_core.mjs';
import { readVectors } from '../lib/vectors.mjs';
import { addressOfBytes, bytesOfAddress, bytesOfHex, formOf, hexOfBytes } from './input.mjs';
import { loadCore } from './load.mjs';

const TIMED_CALLS = 200;
const element = (id) => document.getElementById(id);

function make(tag, { text = '', className = '', style = {} } = {}, children = []) {
  const node = document.createElement(tag);
  node.className = className;
  node.textContent = text;
  Object.assign(node.style, style);
  node.append(...children);
  return node;
}

const statusText = (status) => {
  if (status === 0) return 'complete';
  if (status === 1) return 'not complete: more bytes are needed';
  return STATUSES.get(status)?.meaning ?? `status ${status}`;
};

/** What the edge does, and why, in words. */
function verdictOf(answer, names) {
  const policy = names.policies[answer.policy];
  const rule = names.rules[answer.rule];
  const outcome = rule !== undefined && rule.action !== 'use' ? rule : policy;
  const alert = outcome.alert === undefined ? '' : ` with ${outcome.alert}`;
  const tier = names.tiers[answer.tier];
  const because =
    rule === undefined
      ? `Its score of ${answer.score} leads to policy “${policy.name}”.`
      : `Rule “${rule.name}” (${tier}) decides${policy === undefined ? '' : ` for policy “${policy.name}”`}.`;
  return { action: outcome.action, text: `${outcome.action}${alert}`, because };
}

/** The ladder's rungs and where the score stands. */
function showGauge(answer, { ladder, policies, clamp: [least, most] }) {
  const tones = ['calm', 'wary', 'stern'];
  const span = most - least + 1;
  const bands = ladder.map(({ from, policy }, rung) => {
    const end = ladder[rung + 1]?.from ?? most + 1;
    const label = make('span', { text: `${from} ${policies[policy].name}` });
    const tone = tones[Math.min(rung, tones.length - 1)];
    const className = `band ${tone} ${rung === answer.rung ? 'taken' : ''}`;
    return make('div', { className, style: { flex: String(end - from) } }, [label]);
  });
  const left = `${(100 * (answer.score - least + 0.5)) / span}%`;
  element('gauge').replaceChildren(
    ...bands,
    make('div', { className: 'score', text: answer.score, style: { left } }),
  );
  element('gauge').setAttribute('aria-label', `score ${answer.score}, from ${least} (good) to ${most} (bad)`);
}

function showSignals(answer, { signals }) {
  const rows = signals.map(({ name, group }, index) => {
    const points = answer.signal_points[index];
    const cells = [
      name.replaceAll('_', ' '),
      group ?? '',
      points === 0 ? '–' : `${points > 0 ? '+' : '−'}${Math.abs(points)}`,
    ];
    return make(
      'tr',
      { className: points === 0 ? 'off' : '' },
      cells.map((text) => make('td', { text })),
    );
  });
  const sum = ['after the groups’ caps', '', answer.score].map((text) => make('td', { text }));
  element('signals').replaceChildren(...rows, make('tr', { className: 'sum' }, sum));
}

/** Long texts break after their commas. */
const breakable = (text) => text.split(/(?<=,)/).flatMap((part) => [part, make('wbr')]);

function showFacts(answer, synGiven) {
  const facts = {
    Hello: statusText(answer.hello),
    'Server name': answer.sni ?? 'none',
    JA4: answer.ja4,
    JA4_r: answer.ja4_r,
    JA3: answer.ja3,
    SYN: answer.sig ?? (synGiven ? statusText(answer.syn) : null),
  };
  const known = Object.entries(facts).filter(([, value]) => value !== null);
  element('facts').replaceChildren(
    ...known.flatMap(([name, text]) => [make('dt', { text: name }), make('dd', {}, breakable(text))]),
  );
}

function showCost(core, client) {
  const start = performance.now();
  for (let i = 0; i < TIMED_CALLS; i++) core.look(client);
  const microseconds = ((performance.now() - start) * 1000) / TIMED_CALLS;
  element('cost').textContent =
    `Reading both, fingerprints and decision take ${microseconds.toFixed(0)} µs in this browser.`;
}

function update(core, names) {
  try {
    const hello = bytesOfHex('ClientHello', element('hello').value);
    const syn = bytesOfHex('SYN', element('syn').value);
    const ip = bytesOfAddress(element('ip').value);
    const client = { name: '', form: formOf(hello), proto: 0, ip, syn, hello };
    const answer = core.look(client);
    const { action, text, because } = verdictOf(answer, names);
    element('action').textContent = text;
    element('because').textContent = because;
    const tone = action !== 'accept' ? 'stern' : answer.policy === names.ladder[0].policy ? 'calm' : 'wary';
    element('verdict').className = `card verdict ${tone}`;
    showGauge(answer, names);
    showSignals(answer, names);
    showFacts(answer, syn.length > 0);
    showCost(core, client);
    element('problem').textContent = '';
  } catch (error) {
    element('problem').textContent = error.message;
  }
}

async function start() {
  const read = async (path) => (await fetch(new URL(path, import.meta.url))).text();
  const [core, names, vectors] = await Promise.all([
    loadCore(),
    read('../policy/names.gen.json').then(JSON.parse),
    read('../vectors.tsv').then(readVectors),
  ]);
  const select = element('sample');
  select.append(
    ...vectors.map(({ name }, value) => Object.assign(make('option', { text: name }), { value })),
  );
  select.append(make('option', { text: 'your own' }));
  const choose = () => {
    const client = vectors[select.value];
    if (client === undefined) return;
    element('ip').value = addressOfBytes(client.ip);
    element('hello').value = hexOfBytes(client.hello);
    element('syn').value = hexOfBytes(client.syn);
    update(core, names);
  };
  select.addEventListener('change', choose);
  element('client').addEventListener('input', ({ target }) => {
    if (target === select) return;
    select.value = 'your own';
    update(core, names);
  });
  choose();
}

start().catch((error) => {
  element('problem').textContent = `${error.message}. Build the module and serve the repository’s root.`;
});
