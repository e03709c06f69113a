/** Membership of values in sets, patterns and prefixes, written for clarity: what the core's tables must agree with. */
import ipaddr from 'ipaddr.js';

/** How closely a member of a map covers a value; -1: not at all. */
export function nearness(type: string, member: string, value: string): number {
  if (type === 'cidr' || type === 'ip') {
    const width = member.includes(':') ? 128 : 32;
    return covers(member, value) ? Number(member.split('/')[1] ?? width) : -1;
  }
  if (type === 'host') return matchesHost(member, value) ? (member === value ? 1_000 : member.length) : -1;
  return member === value ? 1 : -1;
}

export function matchesHost(member: string, host: string): boolean {
  return member.startsWith('*.')
    ? host.length >= member.length && host.endsWith(member.slice(1))
    : member === host;
}

/** Does a prefix, or a single address, hold an address? IPv4-mapped ones count as IPv4. */
export function covers(prefix: string, address: string): boolean {
  const [base, length] = prefix.split('/');
  const [a, b] = [bitsOf(base!), bitsOf(address)];
  const all = base!.includes(':') ? 128 : 32;
  const kept = Number(length ?? all) + 128 - all;
  const isV4 = isMapped(a) && kept >= 96;
  return isV4 === isMapped(b) && a.slice(0, kept) === b.slice(0, kept);
}

/** What the longest prefixes that say so tell of an address; of equal ones the last. */
export function originOf(
  origins: readonly {
    readonly prefix: string;
    readonly asn: number | null;
    readonly country: string | null;
  }[],
  address: string,
): { asn: number | null; country: string | null } {
  const lengthOf = (prefix: string): number => {
    const [base, length] = prefix.split('/');
    return Number(length) + (base!.includes(':') ? 0 : 96);
  };
  const around = origins
    .filter(({ prefix }) => covers(prefix, address))
    .sort((a, b) => lengthOf(a.prefix) - lengthOf(b.prefix));
  return {
    asn: around.findLast((origin) => origin.asn !== null)?.asn ?? null,
    country: around.findLast((origin) => origin.country !== null)?.country ?? null,
  };
}

function bitsOf(address: string): string {
  const bytes =
    ipaddr.parse(address).kind() === 'ipv4'
      ? ipaddr.IPv4.parse(address).toIPv4MappedAddress()
      : ipaddr.parse(address);
  return bytes
    .toByteArray()
    .map((byte) => byte.toString(2).padStart(8, '0'))
    .join('');
}

function isMapped(bits: string): boolean {
  return bits.slice(0, 80) === '0'.repeat(80) && bits.slice(80, 96) === '1'.repeat(16);
}

/** `*` is any text, `?` one character, `[…]` one of a class. */
export function regexOfGlob(glob: string): string {
  const parts = glob.match(/\[[^\]]*\]|[\s\S]/gu) ?? [];
  const one = (part: string): string =>
    part === '*'
      ? '[\\s\\S]*'
      : part === '?'
        ? '[\\s\\S]'
        : part.length > 1 && part.startsWith('[')
          ? part
          : `\\u{${part.codePointAt(0)!.toString(16)}}`;
  return `^${parts.map(one).join('')}$`;
}
