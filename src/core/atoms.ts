/**
 * The atoms of a policy image: grouped by what they read and then by kind, so that a fact is fetched once and looked
 * up once however many tests there are of it.
 */
import type { Atom, Program } from '../pdl/ir.ts';
import * as L from './layout.gen.ts';
import { atMost } from './limits.ts';
import { type EncodedOperand, encodeOperand } from './operands.ts';
import { Section } from './section.ts';

/** Bits of one word of truths; the atoms of an element of the section of operands lie in one. */
const WORD_BITS = 64;
const KINDS = {
  known: L.ATOM_KNOWN,
  range: L.ATOM_RANGE,
  any: L.ATOM_ANY,
  all: L.ATOM_ALL,
  cidr: L.ATOM_CIDR,
  hash: L.ATOM_HASH,
  host: L.ATOM_HOST,
  number: L.ATOM_NUMBER,
  glob: L.ATOM_PATTERN,
  regex: L.ATOM_PATTERN,
} as const;
const KIND_COUNT = 9;

export interface EncodedAtoms {
  readonly atoms: Section;
  readonly values: Section;
  readonly operands: Section;
  /** By atom of the program: its place in the image. */
  readonly places: readonly number[];
}

/** @throws RangeError when there are more atoms than the core takes, or one reads what is not there. */
export function encodeAtoms(program: Program): EncodedAtoms {
  atMost('atoms', program.atoms.length, L.MAX_ATOMS);
  const sorted = program.atoms
    .map((atom, index) => {
      const operand = encodeOperand(program, atom.operand);
      return { atom, index, operand, kind: kindOf(program, atom) };
    })
    .sort((a, b) => compareOperands(a.operand, b.operand) || a.kind - b.kind || a.index - b.index);
  const encoded = {
    atoms: new Section(L.ATOM_BYTES),
    values: new Section(4),
    operands: new Section(L.OPERAND_BYTES),
  };
  const places: number[] = [];
  let operandAt = 0;
  sorted.forEach(({ atom, index, operand, kind }, place) => {
    const before = sorted[place - 1]?.operand;
    if (before === undefined || place % WORD_BITS === 0 || compareOperands(before, operand) !== 0) {
      operandAt = addOperand(encoded.operands, operand, place);
    }
    const ends = operandAt + L.OPERAND_ENDS_AT;
    const end =
      (place % WORD_BITS) +
      1 -
      (encoded.operands.bytes.getUint32(operandAt + L.OPERAND_FIRST_ATOM_AT, true) % WORD_BITS);
    for (let k = kind; k < KIND_COUNT; k++) encoded.operands.u8(ends + k, end);
    addAtom(encoded, atom);
    places[index] = place;
  });
  return { ...encoded, places };
}

function kindOf(program: Program, atom: Atom): number {
  if (atom.kind !== 'table') return KINDS[atom.kind];
  const table = program.tables[atom.table];
  if (!table) throw new RangeError(`no table ${atom.table}`);
  return KINDS[table.kind];
}

function compareOperands(a: EncodedOperand, b: EncodedOperand): number {
  return a.kind - b.kind || a.index - b.index || a.phase - b.phase;
}

function addOperand(operands: Section, { kind, index, phase }: EncodedOperand, firstAtom: number): number {
  const at = operands.add();
  operands.u32(at + L.OPERAND_KIND_AT, kind);
  operands.u32(at + L.OPERAND_INDEX_AT, index);
  operands.u32(at + L.OPERAND_PHASE_AT, phase);
  operands.u32(at + L.OPERAND_FIRST_ATOM_AT, firstAtom);
  return at;
}

function addAtom({ atoms, values }: Pick<EncodedAtoms, 'atoms' | 'values'>, atom: Atom): void {
  const at = atoms.add();
  if (atom.kind === 'range') {
    atoms.f64(at + L.ATOM_MIN_AT, atom.min);
    atoms.f64(at + L.ATOM_MAX_AT, atom.max);
  } else if (atom.kind === 'table') {
    atoms.u32(at + L.ATOM_FIRST_VALUE_AT, atom.table);
  } else if (atom.kind !== 'known') {
    const ascending = Uint32Array.from(new Set(atom.values)).sort();
    atoms.u32(at + L.ATOM_FIRST_VALUE_AT, values.count);
    atoms.u32(at + L.ATOM_VALUE_COUNT_AT, ascending.length);
    for (const value of ascending) values.u32(values.add(), value);
  }
}
