// What looks like a secret and is none: identifiers, digests, places, words about secrets. All of it has
// to stay as it is.

import { base64, Random } from "./random.ts";
import { card, iban } from "./secrets.ts";

export interface LookAlike {
  readonly kind: string;
  readonly name: string;
  readonly value: string;
}

type Maker = string | ((random: Random) => string);
type Row = readonly [kind: string, names: string, maker: Maker];

const UUID = "{h8}-{h4}-4{h3}-a{h3}-{h12}";

const IDENTIFIERS: readonly Row[] = [
  ["uuid", "id uid request_id correlationId session_uuid device-id x-request-id", UUID],
  ["uuid in upper case", "Guid ObjectId", "{H8}-{H4}-4{H3}-A{H3}-{H12}"],
  ["ulid", "id event_id", "01J{U23}"],
  ["nanoid", "id slug", "V1StGXR8_Z5jdHi6B-myT"],
  ["ksuid", "id", "0ujsszwN8NRY24YaXiTIE2VWDTS"],
  ["object id of a database", "_id owner", "65{h22}"],
  ["snowflake", "id message_id guild", "1{d17}"],
  ["trace id", "trace_id traceId", "{h32}"],
  ["span id", "span_id spanId", "{h16}"],
  ["traceparent", "traceparent", "00-{h32}-{h16}-01"],
  ["slack ids", "channel user team", "C0{U9}"],
  ["aws account", "account owner", "{d12}"],
  ["aws resource name", "arn role", "arn:aws:iam::{d12}:role/deploy-{a8}"],
  ["google project", "project", "project-{d12}"],
  ["azure subscription", "subscription_id tenantId", UUID],
  ["stripe object", "customer charge", "cus_{A14}"],
  ["stripe publishable key", "note", "pk_live_{A24}"],
  ["docker container", "container", "{h64}"],
  ["pod name", "pod", "api-7d9c5b6f4-{a5}"],
  ["git commit", "sha commit ref", "{h40}"],
  ["short commit", "head", "{h7}"],
  ["etag", "etag ETag", `W/"{h32}"`],
  ["version", "version", "1.{d2}.{d1}-beta.{d1}+build.{d4}"],
  ["isbn", "isbn", "978-3-16-1{d5}-0"],
  ["ean", "ean", "40{d11}"],
  ["phone", "phone mobile", "+49 30 {d4} {d4}"],
  ["american phone", "phone", "(555) 01{d1}-{d4}"],
  ["postcode and street", "address", "Unter den Linden {d2}, 10117 Berlin"],
  ["mac address", "mac_address", "{h2}:{h2}:{h2}:{h2}:{h2}:{h2}"],
  ["ipv6 address", "ip", "2001:db8:{h4}:{h4}:{h4}:{h4}:{h4}:{h4}"],
  ["time", "created_at", "2026-11-02T10:11:12.345678Z"],
  ["unix nanoseconds", "ts", "17{d17}"],
  ["order number", "order", (random) => noCard(random, "4")],
  ["order number in groups", "order", (random) => noCard(random, "5").replaceAll(/(\d{4})(?=\d)/g, "$1 ")],
  ["invoice", "invoice", "INV-2026-{d6}"],
  ["tracking number", "tracking", "1Z{U6}{d10}"],
  ["account of no country", "account", "ZZ{d2}{d18}"],
  ["iban with a wrong checksum", "account", (random) => wrongIban(random)],
  ["long number", "number", "{d30}"],
  ["decimal", "ratio", "0.{d16}"],
  ["float in a list", "values", "[0.{d8},-1.{d8}e-05,3.{d8}]"],
  ["hostname", "host node", "ip-10-{d2}-{d2}-{d2}.eu-central-1.compute.internal"],
  ["bucket", "bucket", "logs-eu-{d12}-{h8}"],
  ["branch", "branch ref_name", "feature/PAY-{d4}-rotate-api-keys"],
  ["ticket", "issue", "SEC-{d5}"],
  ["build", "build", "20261102.{d1}-{h7}"],
  ["licence plate", "plate", "B-{L2} {d4}"],
  ["flight", "flight", "LH{d3}"],
  ["stock", "wkn", "{U6}"],
  ["bank code", "bic", "COBADEFFXXX"],
  ["vat number", "vat", "DE{d9}"],
  ["measure", "size", "{d3}x{d3}px"],
  ["duration", "took", "1h{d2}m{d2}.{d3}s"],
  ["range of bytes", "content_range", "bytes 0-{d5}/{d6}"],
  ["cron", "schedule", "*/5 2-{d1} * * 1-5"],
  ["label", "selector", "app.kubernetes.io/name=api,tier!=cache"],
];

const DIGESTS: readonly Row[] = [
  ["integrity", "integrity", (random) => `sha512-${base64(random.bytes(64))}`],
  ["sha256 digest", "digest image", "sha256:{h64}"],
  ["sha1 sum", "shasum", "{h40}"],
  ["md5", "md5 checksum", "{h32}"],
  ["sha512 hex", "sha512", "{h128}"],
  ["crc", "crc32", "{h8}"],
  ["fingerprint", "fingerprint", (random) => `SHA256:${base64(random.bytes(32)).replace("=", "")}`],
  ["merkle root", "root", "{b43}="],
];

const MATERIAL: readonly Row[] = [
  ["image", "image icon avatar", (random) => `data:image/png;base64,iVBORw0KGgo${base64(random.bytes(150))}`],
  ["font", "src", (random) => `data:font/woff2;base64,d09GMg${base64(random.bytes(120))}`],
  ["public key", "key", (random) => pem(random, "PUBLIC KEY", 294)],
  ["certificate", "certificate", (random) => pem(random, "CERTIFICATE", 700)],
  ["certificate request", "request", (random) => pem(random, "CERTIFICATE REQUEST", 400)],
  ["pgp public key", "armor", (random) => pem(random, "PGP PUBLIC KEY BLOCK", 400)],
  ["certificate in a kubeconfig", "certificate-authority-data", (random) => base64(pem(random, "CERTIFICATE", 300))],
  ["ssh public key", "ssh_key", (random) => `ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI${random.fill("{b43}")} ann@example`],
  ["ssh rsa public key", "ssh_key", (random) => `ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAB${random.fill("{b340}")}== ann`],
  ["age public key", "recipient", "age1{a58}"],
  ["public jwk", "jwk_x", "{w43}"],
  ["gzip in base64", "data", (random) => `H4sIAAAAAAAA${base64(random.bytes(90))}`],
  ["minified code", "code_sample", `!function(e,t){"object"==typeof exports?module.exports=t():e.X=t()}(this,(function(){var e={a:1};return e}));`],
  ["svg path", "d", "M12 2C6.48 2 2 6.48 2 12s4.48 10 10 10 10-4.48 10-10S17.52 2 12 2z"],
  ["css", "style", "color:#1a2b3c;background:#ffeedd;border:1px solid rgba(0,0,0,.25)"],
  ["hex colour", "color", "#{h6}"],
  ["coordinates", "position", "52.{d6},13.{d6}"],
  ["sentence", "text", "The quick brown fox jumps over the lazy dog, and nobody minds at all."],
  ["german sentence", "text", "Der Schlüssel liegt unter der Matte; bitte das Passwort niemandem verraten."],
  ["lorem", "text", "Lorem ipsum dolor sit amet, consectetur adipiscing elit, sed do eiusmod tempor."],
  ["path", "path", "/usr/lib/node_modules/tool/dist/index-{h8}.js"],
  ["windows path", "path", "C:\\Users\\ann\\Documents\\report-{d4}.docx"],
  ["css class", "class", "sk-folding-cube-wrapper sk-circle-fade-dot"],
  ["translation key", "label", "settings.security.password.reset.title"],
  ["key of an object store", "object", "uploads/2026/11/{h32}.jpg"],
  ["package with a telling name", "dependency", "jsonwebtoken@^9.0.2"],
  ["mime type", "type", "application/vnd.oci.image.manifest.v1+json"],
  ["user agent", "agent", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/131.0.0.0 Safari/537.36"],
  ["url", "url", "https://api.example:8443/v2/items/{h24}?page=2&sort=-created"],
  ["url with a port and mail", "contact", "https://example.com:8080/team or mail ann@example.com"],
  ["git remote", "repository", "git+ssh://git@example.com/team/tool.git"],
  ["database without password", "dsn", "postgres://app@db.example:5432/orders?sslmode=require"],
  ["mail address", "email", "ann.lee+news@example.com"],
  ["npm range", "range", ">=1.2.3 <2.0.0 || ^3.1.0"],
  ["chemical", "inchi", "InChI=1S/C8H10N4O2/c1-10-4-9-6-5(10)7(13)12(3)8(14)11(6)2/h4H,1-3H3"],
  ["dna", "sequence", "GATTACAGATTACACCGGTTAACCGGATTACAGATTACA"],
  ["emoji and letters", "text", "naïve café — 東京 🔑 not a key"],
  ["header of key in prose", "text", "A file that begins with -----BEGIN PRIVATE KEY----- must never be sent by mail."],
  ["prefix in prose", "text", "GitHub tokens begin with ghp_ or github_pat_, Stripe's with sk_live_ or rk_live_."],
  ["jwt in prose", "text", "A token that begins with eyJhbGciOi is a JSON Web Token."],
  ["slack prefix in prose", "text", "Look for xoxb- and xoxp- in your logs."],
];

/** Names that hold a telling word and mean something else, or values that say there is nothing. */
const WORDS: readonly Row[] = [
  ["token type", "token_type tokenType", "Bearer"],
  ["limit of tokens", "max_tokens prompt_tokens total_tokens completionTokens", "4096"],
  ["password policy", "password_policy passwordPolicy", "at least 12 characters"],
  ["age of a password", "password_changed_at passwordExpiresAt password_expires", "2026-01-01T00:00:00Z"],
  ["what a token is for", "token_endpoint token_url", "https://login.example/oauth2/v1/authorize"],
  ["name of a secret", "secret_name secretName", "prod-db-credentials"],
  ["length of a key", "key_length key_size", "4096"],
  ["algorithm", "signature_algorithm signature_method", "ecdsa-with-SHA256"],
  ["page", "next_page_token nextPageToken pageToken", "CAUQAA{a12}"],
  ["tokenizer", "tokenizer", "cl100k_base"],
  ["secretary", "secretary", "Ann Lee"],
  ["author", "author authority", "Ann Lee"],
  ["key of a map", "key primary_key sort_key keyName", "customer_region"],
  ["monkey", "monkey keyboard", "rhesus-macaque"],
  ["passenger", "passenger compass", "Robert Smith"],
  ["pin on a map", "pinned mapping", "main-square"],
  ["auth method", "auth_method auth_type authType", "client_certificate"],
  ["session state", "session_state sessionStatus", "active"],
  ["code of a country", "country_code postal_code status_code", "DE"],
  ["public key id", "public_key_id kid", "2026-key-{d2}"],
];

const EMPTY: readonly Row[] = [
  ["placeholder in braces", "password token", "${PASSWORD}"],
  ["template", "password api_key", "{{ .Values.password }}"],
  ["stars", "password token", "********"],
  ["masked", "token", "[masked:token]"],
  ["placeholder in angle brackets", "api_key", "<your-api-key>"],
];

const MORE: readonly Row[] = [
  ["digest of an image layer", "layer", "sha256:{h64}"],
  ["chromosome position", "locus", "chr{d1}:{d8}-{d8}"],
  ["gps track", "track", "52.{d5},13.{d5};52.{d5},13.{d5};52.{d5},13.{d5}"],
  ["orcid", "researcher", "0000-0002-{d4}-{d4}"],
  ["doi", "doi", "10.1000/xyz{d6}"],
  ["oid", "oid", "1.3.6.1.4.1.{d5}.2.1"],
  ["go module", "module", "github.com/team/tool/v2@v2.{d1}.{d2}"],
  ["debian version", "package", "2:8.2.{d4}-1+deb12u{d1}"],
  ["helm release", "release", "api-{d1}.{d2}.{d1}-rc{d1}"],
  ["metric", "metric", "http_requests_total{method=get,code=200}"],
];

const ALL: readonly Row[] = [...IDENTIFIERS, ...DIGESTS, ...MATERIAL, ...WORDS, ...EMPTY, ...MORE];

export function lookAlikes(seed: number): LookAlike[] {
  const random = new Random(seed);
  return ALL.flatMap(([kind, names, maker]) =>
    names.split(" ").map((name) => ({
      kind,
      name,
      value: typeof maker === "string" ? random.fill(maker) : maker(random),
    })),
  );
}

/** Bodies in which a telling name has no secret, because there is none. */
export const BODIES: readonly (readonly [kind: string, type: string, body: string])[] = [
  ["null", "application/json", `{"password":null,"token":null,"secret":null}`],
  ["boolean", "application/json", `{"password":true,"secret":false,"has_token":true}`],
  ["empty", "application/json", `{"password":"","token":"","api_key":""}`],
  ["empty form", "application/x-www-form-urlencoded", "password=&token=&x=1"],
  ["counts", "application/json", `{"usage":{"prompt_tokens":12,"completion_tokens":34,"total_tokens":46}}`],
  ["schema", "application/json", `{"properties":{"password":{"type":"string","minLength":8},"token":{"type":"string"}}}`],
  ["list of names", "application/json", `{"fields":["password","token","api_key","secret"]}`],
  ["html form", "text/html", `<form><label for="password">Password</label><input type="password" name="password" id="password"></form>`],
  ["code", "text/javascript", "const token = await getToken(user);\nif (password !== other.password) throw new Error('wrong');\n"],
  ["code that reads the environment", "text/javascript", "const apiKey = process.env.API_KEY;\nconst secret = config.get('app.secret');\n"],
  ["type declarations", "text/plain", "interface Login { password: string; token: string | null; secret?: boolean }\n"],
  ["shell variables", "text/x-shellscript", `curl -H "Authorization: Bearer $TOKEN" --user "$NAME:$PASSWORD" https://api.example\n`],
  ["workflow", "application/yaml", "env:\n  TOKEN: ${{ secrets.DEPLOY_TOKEN }}\n  PASSWORD: ${{ secrets.PASSWORD }}\n"],
  ["secret reference", "application/yaml", "env:\n- name: PASSWORD\n  valueFrom:\n    secretKeyRef:\n      name: db\n      key: password\n"],
  ["error", "text/plain", "login failed: password incorrect, token expired\n"],
  ["prose", "text/plain", "Please choose a password: it should be long. The token is sent by mail; the secret is patience.\n"],
  ["markdown", "text/markdown", "## Passwords\n\nYour password must have 12 characters. See [tokens](#tokens).\n"],
  ["dependencies", "application/json", `{"dependencies":{"jsonwebtoken":"^9.0.2","csrf-csrf":"~3.0.0","cookie":"1.0.1","js-tokens":"^9.0.0","passwd-user":"4.0.0"}}`],
  ["lock file", "application/json", `{"node_modules/cookie":{"version":"1.0.1","integrity":"sha512-${"Ab1+".repeat(21)}Q==","engines":{"node":">=18"}}}`],
  ["graphql", "application/json", `{"query":"query { user(id: 4) { name passwordChangedAt tokenCount } }"}`],
  ["csv", "text/csv", "name,password_set,last_login\nann,yes,2026-11-02\nbob,no,2026-10-30\n"],
  ["ndjson of a model", "application/x-ndjson", `{"model":"m","response":"a","done":false}\n{"model":"m","done":true,"eval_count":12}\n`],
  ["xml", "application/xml", `<user><passwordSet>true</passwordSet><token xsi:nil="true"/><password></password></user>`],
];

function pem(random: Random, label: string, size: number): string {
  const lines = base64(random.bytes(size)).match(/.{1,64}/g) ?? [];
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`].join("\n");
}

function noCard(random: Random, prefix: string): string {
  const right = card(random, prefix, 16);
  return right.slice(0, -1) + String((Number(right.at(-1)) + 1 + random.number(8)) % 10);
}

function wrongIban(random: Random): string {
  const right = iban("DE", random.fill("{d18}"));
  return right.slice(0, -1) + String((Number(right.at(-1)) + 1) % 10);
}
