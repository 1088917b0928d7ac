// The functions that a condition may call. Each takes steps by the size of what it looks at.

import ipaddr from "ipaddr.js";
import { integer, timestamp } from "./arithmetic.ts";
import { parseDuration, parseTimestamp } from "./times.ts";
import { type Budget, Duration, FAILED, hasMember, Optional, sizeOf, Timestamp, equals } from "./values.ts";

/** Of one or two arguments; `b` is undefined where there is one. */
export type Implementation = (a: unknown, b: unknown, budget: Budget) => unknown;

/** Characters that a step pays for where the platform's own text functions look at them. */
const CHARACTERS_A_STEP = 32;

function charge(budget: Budget, text: string, times = 1): void {
  budget.charge(1 + Math.floor((text.length * times) / CHARACTERS_A_STEP));
}

const onTexts =
  (apply: (text: string, other: string) => unknown): Implementation =>
  (text, other, budget) => {
    if (typeof text !== "string" || typeof other !== "string") return FAILED;
    charge(budget, other);
    return apply(text, other);
  };

const onText =
  (apply: (text: string) => unknown): Implementation =>
  (text, _, budget) => {
    if (typeof text !== "string") return FAILED;
    charge(budget, text);
    return apply(text);
  };

const size: Implementation = (value, _, budget) => {
  if (typeof value === "string") charge(budget, value);
  else if (typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Map))
    budget.charge(Object.keys(value).length);
  return sizeOf(value);
};

/** The engine's search is not linear: a text of a's in which a's and a b are looked for costs the product. */
const contains: Implementation = (text, part, budget) => {
  if (typeof text !== "string" || typeof part !== "string") return FAILED;
  charge(budget, text, Math.max(part.length, 1));
  return text.includes(part);
};

export const GLOBALS: ReadonlyMap<string, Implementation> = new Map<string, Implementation>([
  ["size", size],
  ["dyn", (value) => value],
  ["int", (value) => toInt(value)],
  ["double", (value) => toDouble(value)],
  ["string", (value) => toText(value)],
  ["bool", (value) => toBool(value)],
  ["timestamp", (value) => toTimestamp(value)],
  ["duration", (value) => toDuration(value)],
]);

export const METHODS: ReadonlyMap<string, Implementation> = new Map<string, Implementation>([
  ["size", size],
  ["startsWith", onTexts((text, start) => text.startsWith(start))],
  ["endsWith", onTexts((text, end) => text.endsWith(end))],
  ["contains", contains],
  ["lowerAscii", onText((text) => text.replaceAll(/[A-Z]+/g, (upper) => upper.toLowerCase()))],
  ["upperAscii", onText((text) => text.replaceAll(/[a-z]+/g, (lower) => lower.toUpperCase()))],
  ["hasValue", (value) => (value instanceof Optional ? value.isPresent : FAILED)],
  ["orValue", (value, other) => (value instanceof Optional ? (value.isPresent ? value.value : other) : FAILED)],
]);

/** `value in list`, `key in map`. */
export const membership: Implementation = (value, group, budget) => {
  if (!Array.isArray(group)) return hasMember(group, value);
  budget.charge(group.length * (typeof value === "string" ? 1 + (value.length >> 6) : 1));
  if (typeof value === "string") return group.includes(value);
  return group.some((element) => equals(value, element, budget));
};

function toInt(value: unknown): unknown {
  if (typeof value === "bigint") return value;
  if (typeof value === "number") {
    // Doubles next to the bounds may mean more than the bounds (cel-go refuses them, too).
    return Number.isFinite(value) && Math.abs(value) < 2 ** 63 ? BigInt(Math.trunc(value)) : FAILED;
  }
  if (typeof value === "string") return /^[+-]?\d{1,19}$/.test(value) ? integer(BigInt(value)) : FAILED;
  return value instanceof Timestamp ? BigInt(Math.floor(value.ms / 1000)) : FAILED;
}

function toDouble(value: unknown): unknown {
  if (typeof value === "number") return value;
  if (typeof value === "bigint") return Number(value);
  if (typeof value !== "string" || !/^[+-]?(?:\d{1,64}\.?\d{0,64}|\.\d{1,64})(?:[eE][+-]?\d{1,4})?$/.test(value))
    return FAILED;
  return Number(value);
}

function toText(value: unknown): unknown {
  if (typeof value === "string") return value;
  if (typeof value === "bigint" || typeof value === "boolean") return String(value);
  if (typeof value === "number") {
    if (Number.isFinite(value) || Number.isNaN(value)) return String(value);
    return value > 0 ? "+Inf" : "-Inf";
  }
  if (value instanceof Timestamp) return new Date(value.ms).toISOString().replace(/\.000Z$/, "Z");
  return value instanceof Duration ? `${value.ms / 1000}s` : FAILED;
}

const BOOLEANS: ReadonlyMap<unknown, boolean> = new Map([
  ...["1", "t", "true", "TRUE", "True"].map((text) => [text, true] as const),
  ...["0", "f", "false", "FALSE", "False"].map((text) => [text, false] as const),
]);

function toBool(value: unknown): unknown {
  return typeof value === "boolean" ? value : (BOOLEANS.get(value) ?? FAILED);
}

function toTimestamp(value: unknown): unknown {
  if (value instanceof Timestamp) return value;
  if (typeof value === "bigint") return timestamp(Number(value) * 1000);
  return typeof value === "string" ? parseTimestamp(value) : FAILED;
}

function toDuration(value: unknown): unknown {
  if (value instanceof Duration) return value;
  return typeof value === "string" ? parseDuration(value) : FAILED;
}

export type Network = readonly [address: ipaddr.IPv4 | ipaddr.IPv6, bits: number];

/** Null if the text is no network, or has bits set behind its prefix: `10.0.0.1/8` is most likely not what was meant. */
export function parseCidr(text: string): Network | null {
  if (!/^[0-9A-Fa-f:.]{2,45}\/\d{1,3}$/.test(text)) return null;
  try {
    const [address, bits] = ipaddr.parseCIDR(text);
    if (address.kind() === "ipv4" && !ipaddr.IPv4.isValidFourPartDecimal(text.split("/")[0] ?? "")) return null;
    const network = plain(address, bits);
    const octets = network[0].toByteArray();
    const isNetwork = octets.every(
      (octet, i) => (octet & (0xff >> Math.min(Math.max(network[1] - i * 8, 0), 8))) === 0,
    );
    return isNetwork ? network : null;
  } catch {
    return null;
  }
}

/** An IPv4-mapped IPv6 address is the IPv4 address (RFC 4291 §2.5.5.2): one caller, two spellings. */
function plain(address: ipaddr.IPv4 | ipaddr.IPv6, bits: number): Network {
  if (address.kind() === "ipv6" && (address as ipaddr.IPv6).isIPv4MappedAddress() && bits >= 96)
    return [(address as ipaddr.IPv6).toIPv4Address(), bits - 96];
  return [address, bits];
}

export type Address = ipaddr.IPv4 | ipaddr.IPv6;

/** Null if the text is no address. */
export function parseAddress(text: string): Address | null {
  if (text.length > 45 || !(ipaddr.IPv4.isValidFourPartDecimal(text) || ipaddr.IPv6.isValid(text))) return null;
  return plain(ipaddr.parse(text), 128)[0];
}

export function isInNetwork(address: Address, [network, bits]: Network): boolean {
  return address.kind() === network.kind() && address.match(network, bits);
}

/**
 * `*` stands for any text, also none; everything else for itself. `pattern` is what stands between the
 * stars. Linear in the text: each piece is looked for once, from where the one before it ended, and
 * taking the first place never loses a match.
 */
export function matchesGlob(pattern: readonly string[], text: string, budget: Budget): boolean {
  charge(
    budget,
    text,
    pattern.reduce((longest, { length }) => Math.max(longest, length), 1),
  );
  const [first = "", ...rest] = pattern;
  if (rest.length === 0) return text === first;
  const last = rest.pop() ?? "";
  if (!text.startsWith(first) || text.length < first.length + last.length || !text.endsWith(last)) return false;
  const end = text.length - last.length;
  let from = first.length;
  for (const piece of rest) {
    const at = text.indexOf(piece, from);
    if (at < 0 || at + piece.length > end) return false;
    from = at + piece.length;
  }
  return true;
}
