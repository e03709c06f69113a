/** What the tables know about the client's address, looked up once for each decision. */
import {
  FACT_CONN_ASN,
  FACT_CONN_COUNTRY,
  FACT_CONN_IP,
  LEAF_ASN_AT,
  LEAF_COUNTRY_AT,
  SLOT_LENGTH_AT,
  SLOT_OFFSET_AT,
  SLOT_STATE_AT,
  SLOT_VALUE_AT,
  STATE_IP4,
  STATE_IP6,
  STATE_UNKNOWN,
  TABLES_HEADER_HAS_ORIGINS_AT,
} from './abi/layout.gen';
import { ORIGIN_VALUES, VALUES, VALUES_BYTES } from './memory';
import { leafOfIp4, leafOfIp6 } from './prefixes';
import { setBytes, setNumber, setUnknown, slotOf } from './slots';

/** Leaf of the address in `conn.ip`, 0 when there is none, and the ASN that a decision set from it, 0 when none. */
const CLIENT: usize = memory.data(8, 8);
const ASN_AT: usize = 4;

const COUNTRY_BYTES: i32 = 2;
/** `::ffff:0:0/96` after its first 8 bytes, as a little-endian word. */
const MAPPED: u32 = 0xffff_0000;

/**
 * Starts a decision: finds the client's leaf, and sets `conn.asn` and `conn.country` from it where the host has
 * set nothing.
 */
export function setOrigin(tables: usize): void {
  forgetOrigin();
  const leaf: usize = tables == 0 ? 0 : find(tables, slotOf(FACT_CONN_IP));
  store<u32>(CLIENT, <u32>leaf);
  if (leaf == 0 || load<u32>(tables, TABLES_HEADER_HAS_ORIGINS_AT) == 0) return;
  const asn = load<u32>(leaf, LEAF_ASN_AT);
  if (asn != 0 && isUnknown(FACT_CONN_ASN)) {
    setNumber(FACT_CONN_ASN, <f64>asn);
    store<u32>(CLIENT, asn, ASN_AT);
  }
  const country = load<u32>(leaf, LEAF_COUNTRY_AT);
  if (country != 0 && isUnknown(FACT_CONN_COUNTRY)) {
    store<u16>(ORIGIN_VALUES, country);
    setBytes(FACT_CONN_COUNTRY, ORIGIN_VALUES, COUNTRY_BYTES);
  }
}

/** Forgets what the last decision set, since address and tables may change; what the host set stays. */
export function forgetOrigin(): void {
  const asn = load<u32>(CLIENT, ASN_AT);
  if (asn != 0 && load<f64>(slotOf(FACT_CONN_ASN), SLOT_VALUE_AT) == <f64>asn) setUnknown(FACT_CONN_ASN);
  const country = slotOf(FACT_CONN_COUNTRY);
  const isOurs = load<u32>(country, SLOT_OFFSET_AT) == <u32>(ORIGIN_VALUES - VALUES);
  if (isOurs) setUnknown(FACT_CONN_COUNTRY);
  store<u64>(CLIENT, 0);
}

function isUnknown(fact: i32): bool {
  return load<i32>(slotOf(fact), SLOT_STATE_AT) == STATE_UNKNOWN;
}

/** The leaf of an address in a slot, 0 when it holds none. The client's was found before. */
export function leafOf(tables: usize, slot: usize): usize {
  return slot == slotOf(FACT_CONN_IP) ? <usize>load<u32>(CLIENT) : find(tables, slot);
}

/** A host writes slots itself, so what they point at is checked before it is read. */
function find(tables: usize, slot: usize): usize {
  const state = load<i32>(slot, SLOT_STATE_AT);
  const offset = load<u32>(slot, SLOT_OFFSET_AT);
  const length = load<u32>(slot, SLOT_LENGTH_AT);
  if (offset > <u32>VALUES_BYTES || length > <u32>VALUES_BYTES - offset) return 0;
  const at = VALUES + offset;
  if (state == STATE_IP4 && length == 4) return leafOfIp4(tables, at);
  if (state != STATE_IP6 || length != 16) return 0;
  // IPv4-mapped addresses are IPv4 (RFC 4291 section 2.5.5.2), so that no list is passed by writing them so.
  const isMapped = load<u64>(at) == 0 && load<u32>(at, 8) == MAPPED;
  return isMapped ? leafOfIp4(tables, at + 12) : leafOfIp6(tables, at);
}
