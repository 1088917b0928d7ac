// Which names carry a secret, wherever a name stands: a JSON key, a form field, a query parameter, an
// XML element, a header, a line of a configuration. One list for all of them.
//
// A name is read as words: `userPassword`, `user-password`, `user_password`, `user[password]` and
// `user.password` are the same two. What stands around a word that tells does not matter, except the
// few words that turn it into a fact about the secret (`token_type`, `password_expires_at`).

import type { OwnMask } from "./mask_plan.ts";

/** A rule that takes out what stands under a name. */
export interface Secret {
  readonly rule: string;
  /** False where the values are of low entropy: whoever holds the pseudonym could guess them. */
  readonly pseudonym: boolean;
}

/** `weak` names mean a secret in a query or a form only: elsewhere a `code` is a number and a `key` any key. */
export interface Judged {
  readonly secret: Secret;
  readonly weak: boolean;
}

const low = (rule: string): Secret => ({ rule, pseudonym: false });
const high = (rule: string): Secret => ({ rule, pseudonym: true });

const PASSWORD: Secret = low("password");
/** What is short or short-lived: PINs, one-time codes, card verification codes. */
const CODE: Secret = low("otp");
const TOKEN: Secret = high("token");
const SECRET: Secret = high("secret");
const KEY: Secret = high("key");
const SIGNATURE: Secret = high("signature");
const SESSION: Secret = high("session");
/** May hold a password in base64 (RFC 7617). */
const AUTHORIZATION: Secret = low("authorization");
const COOKIE: Secret = low("cookie");
const CREDENTIAL: Secret = low("credential");
/** User information of a URL. */
export const USERINFO: Secret = low("userinfo");

/** A name with one of these in it carries a secret, with or without words between: `accesstoken`, `X-Amz-Signature`, `newPassword`. The first that is found names the rule. */
export const SECRET_PARTS: readonly (readonly [part: string, secret: Secret])[] = [
  ["password", PASSWORD],
  ["passwd", PASSWORD],
  ["passwort", PASSWORD],
  ["passphrase", PASSWORD],
  ["passcode", CODE],
  ["apikey", KEY],
  ["accesskey", KEY],
  ["privatekey", KEY],
  ["secretkey", KEY],
  ["authkey", KEY],
  ["encryptionkey", KEY],
  ["signingkey", KEY],
  ["masterkey", KEY],
  ["accountkey", KEY],
  ["subscriptionkey", KEY],
  ["connectionstring", CREDENTIAL],
  ["token", TOKEN],
  ["secret", SECRET],
  ["signature", SIGNATURE],
  ["credential", CREDENTIAL],
  ["assertion", TOKEN],
  ["authorization", AUTHORIZATION],
  ["cookie", COOKIE],
];

/** Whole words. */
const SECRET_WORDS: ReadonlyMap<string, Secret> = new Map([
  ["pwd", PASSWORD],
  ["pass", PASSWORD],
  ["pw", PASSWORD],
  ["pin", CODE],
  ["otp", CODE],
  ["totp", CODE],
  ["cvv", CODE],
  ["cvv2", CODE],
  ["cvc", CODE],
  ["cvc2", CODE],
  ["auth", AUTHORIZATION],
  ["jwt", TOKEN],
  ["bearer", TOKEN],
  ["csrf", TOKEN],
  ["xsrf", TOKEN],
]);

/** Whole names, all words together. */
const SECRET_NAMES: ReadonlyMap<string, Secret> = new Map([
  ["sessionid", SESSION],
  ["sessionkey", SESSION],
  ["jsessionid", SESSION],
  ["phpsessid", SESSION],
  ["devicecode", CODE],
  ["usercode", CODE],
  ["codeverifier", TOKEN],
  ["securitycode", CODE],
  ["samlresponse", TOKEN],
  ["samlart", TOKEN],
  ["mysqlpwd", PASSWORD],
]);

const WEAK_NAMES: ReadonlyMap<string, Secret> = new Map([
  ["key", KEY],
  ["code", CODE],
  ["sig", SIGNATURE],
  ["hmac", SIGNATURE],
  ["mac", SIGNATURE],
  ["session", SESSION],
  ["sid", SESSION],
  ["ticket", TOKEN],
]);

/** As the last word they say something about a secret, and hold none. */
const ABOUT: ReadonlySet<string> = new Set(
  (
    "type types kind count counts limit limits length size expires expiry expiration expire exp at in on " +
    "url uri endpoint algorithm alg method methods enabled disabled required supported verified valid changed updated " +
    "created modified date time timestamp ttl age duration lifetime usage budget policy strength rule rules format " +
    "name names status label description version max min present provided configured used remaining ref refs reference references"
  ).split(" "),
);
/** Before `tokens` they count what a language model read and wrote. */
const COUNTED: ReadonlySet<string> = new Set(
  "max min prompt completion total input output cached cache reasoning thinking audio text image num number n used remaining new prediction budget context creation read".split(
    " ",
  ),
);
/** Contain one of the parts by accident, or are what everybody may see: Kubernetes' names of tokens and secrets, a package's signatures. */
const ACCIDENTS: RegExp =
  /tokeni[sz]|secretar|passwordless|cookieless|cookieconsent|cookiepolicy|serviceaccounttoken|imagepullsecret|^signatures$/;
/** Places in a list that is read page by page. */
const PAGES: RegExp =
  /^(?:next|prev|previous)?(?:page|continuation|pagination|sync)token$|^(?:next|prev|previous)token$/;

/** Longer than any name that a person gave. */
export const NAME_LIMIT: number = 128;

const COMPONENTS: RegExp = /[[\].:/]+/;

/** The words of one component, in lower case; digits stay with what they follow, and are no words by themselves. */
function wordsOf(component: string): string[] {
  const spaced = component.replaceAll(/([a-z0-9])([A-Z])/g, "$1 $2").replaceAll(/([A-Z])([A-Z][a-z])/g, "$1 $2");
  return spaced
    .toLowerCase()
    .split(/[^a-z0-9\u0080-\uffff]+/)
    .filter((word) => word !== "");
}

/** Words together, as own fields are compared: `customer_comment`, `customerComment` and `Customer-Comment` are one. */
export function plainName(name: string): string {
  return wordsOf(name).join("");
}

function judgeComponent(component: string): Judged | null {
  const words = wordsOf(component);
  const last = words.at(-1);
  if (last === undefined) return null;
  const whole = words.join("");
  const named = SECRET_NAMES.get(whole);
  if (named !== undefined) return { secret: named, weak: false };
  const weak = WEAK_NAMES.get(whole);
  if (weak !== undefined) return { secret: weak, weak: true };
  if (words.length > 1 && ABOUT.has(last)) return null;
  if (last === "tokens" && words.length > 1 && words.slice(0, -1).every((word) => COUNTED.has(word))) return null;
  if (ACCIDENTS.test(whole) || PAGES.test(whole)) return null;
  for (const [part, secret] of SECRET_PARTS) if (whole.includes(part)) return { secret, weak: false };
  for (const word of words) {
    const secret = SECRET_WORDS.get(word);
    if (secret !== undefined) return { secret, weak: false };
  }
  return null;
}

/** `name` as it means, not as it was encoded. Each component of `user[password]` or `spring.datasource.password` counts by itself. */
export function judgeName(name: string): Judged | null {
  // A place among packages, whatever they are called.
  if (name.length > NAME_LIMIT || name.includes("node_modules/")) return null;
  let weak: Judged | null = null;
  for (const component of name.split(COMPONENTS)) {
    const judged = judgeComponent(component);
    if (judged?.weak === false) return judged;
    weak ??= judged;
  }
  return weak;
}

/** How a plan judges names: its own fields first, then the built-in ones that it has not left out. */
export function judgeOf(own: readonly OwnMask[], has: (rule: string) => boolean): (name: string) => Judged | null {
  const fields = new Map<string, Judged>();
  for (const { id, fields: names, pseudonym } of own)
    if (has(id))
      for (const name of names) fields.set(plainName(name), { secret: { rule: id, pseudonym }, weak: false });
  return (name) => {
    if (fields.size > 0) {
      const mine = fields.get(plainName(name)) ?? fields.get(plainName(lastComponent(name)));
      if (mine !== undefined) return mine;
    }
    const judged = judgeName(name);
    return judged !== null && has(judged.secret.rule) ? judged : null;
  };
}

function lastComponent(name: string): string {
  return name.split(COMPONENTS).findLast((component) => component !== "") ?? "";
}

/** Ids of the rules that go by names. */
export const NAME_RULES: readonly string[] = [
  ...new Set(
    [...SECRET_PARTS.map(([, secret]) => secret), ...SECRET_WORDS.values(), ...SECRET_NAMES.values(), USERINFO].map(
      ({ rule }) => rule,
    ),
  ),
];

/** Pieces of three letters, one of which every built-in secret name begins a telling part with: what has none of them need not be judged. */
export const TELLING: readonly string[] = [
  ...SECRET_PARTS.map(([part]) => part),
  ...SECRET_WORDS.keys(),
  ...SECRET_NAMES.keys(),
  ...WEAK_NAMES.keys(),
];
