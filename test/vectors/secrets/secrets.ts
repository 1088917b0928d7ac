// More than a hundred secrets in the forms in which they are given out. None is written here: each is
// made from a template and a seed when it is asked for, so that nobody who looks for keys finds one.

import { base64, base64url, Random } from "./random.ts";

export interface Secret {
  readonly kind: string;
  /** The name it stands under: one that tells for those that only their name betrays. */
  readonly name: string;
  /** What stands there. */
  readonly value: string;
  /** What must be gone, a part of `value`. */
  readonly secret: string;
}

/** A part in ⟨⟩ is what must be gone; without, all of it. */
type Maker = string | ((random: Random) => string);

/** Known by their form, under a name that tells nothing. */
const FORMS: readonly (readonly [kind: string, maker: Maker])[] = [
  ["aws access key", "AKIA{t16}"],
  ["aws temporary key", "ASIA{t16}"],
  ["aws session token", "IQoJb3JpZ2luX2VjE{b340}=="],
  ["aws bedrock key", "ABSK{b128}"],
  ["google api key", "AIza{w35}"],
  ["google access token", "ya29.a0{w120}"],
  ["google refresh token", "1//0{w60}"],
  ["google client secret", "GOCSPX-{w28}"],
  ["google service account key", (random) => serviceAccount(random)],
  ["azure client secret", "{A3}⟨8Q~{A34}⟩"],
  ["azure storage connection", "DefaultEndpointsProtocol=https;AccountName={a12};AccountKey=⟨{b86}==⟩"],
  ["azure shared access signature", "https://{a12}.blob.core.windows.net/c?sv=2024-01-01&sr=c&sig=⟨{A43}%3D⟩"],
  ["azure service bus", "Endpoint=sb://{a8}.servicebus.windows.net/;SharedAccessKeyName=Root;SharedAccessKey=⟨{b43}=⟩"],
  ["alibaba key", "LTAI5t{A18}"],
  ["digitalocean token", "dop_v1_{h64}"],
  ["digitalocean refresh token", "dor_v1_{h64}"],
  ["cloudflare origin key", "v1.0-{h24}-{h146}"],
  ["heroku key", "HRKU-AA{A56}"],
  ["fly.io token", "fm2_{b140}"],
  ["netlify token", "nfp_{A36}"],
  ["planetscale password", "pscale_pw_{A43}"],
  ["planetscale token", "pscale_tkn_{A43}"],
  ["supabase token", "sbp_{h40}"],
  ["databricks token", "dapi{h32}"],
  ["openshift token", "sha256~{w43}"],
  ["tailscale key", "tskey-auth-{A17}-{A32}"],
  ["github classic token", "ghp_{A36}"],
  ["github oauth token", "gho_{A36}"],
  ["github user token", "ghu_{A36}"],
  ["github app token", "ghs_{A36}"],
  ["github refresh token", "ghr_{A76}"],
  ["github fine-grained token", "github_pat_{A22}_{A59}"],
  ["gitlab token", "glpat-{w20}"],
  ["gitlab deploy token", "gldt-{w20}"],
  ["gitlab runner token", "glrt-{w20}"],
  ["gitlab trigger token", "glptt-{h40}"],
  ["gitlab feed token", "glft-{w20}"],
  ["bitbucket app password", "ATBB{A32}"],
  ["atlassian token", "ATATT3xFfGF0{w160}={H8}"],
  ["npm token", "npm_{A36}"],
  ["pypi token", "pypi-AgEIcHlwaS5vcmc{w150}"],
  ["rubygems key", "rubygems_{h48}"],
  ["nuget key", "oy2{a43}"],
  ["clojars token", "CLOJARS_{a60}"],
  ["docker token", "dckr_pat_{w27}"],
  ["artifactory key", "AKCp{A69}"],
  ["sonar token", "squ_{h40}"],
  ["buildkite token", "bkua_{h40}"],
  ["circleci token", "CCIPAT_{A22}_{h40}"],
  ["pulumi token", "pul-{h40}"],
  ["terraform token", "{A14}⟨.atlasv1.{A67}⟩"],
  ["vault token", "hvs.CAESI{w90}"],
  ["vault batch token", "hvb.AAAAAQ{w130}"],
  ["doppler token", "dp.pt.{A43}"],
  ["doppler service token", "dp.st.prd.{A43}"],
  ["postman key", "PMAK-{h24}-{h34}"],
  ["figma token", "figd_{w40}"],
  ["linear key", "lin_api_{A40}"],
  ["notion token", "ntn_{A46}"],
  ["contentful token", "CFPAT-{w43}"],
  ["launchdarkly key", "sdk-{h8}-{h4}-4{h3}-a{h3}-{h12}"],
  ["sentry token", "sntrys_{b120}"],
  ["sentry user token", "sntryu_{h64}"],
  ["newrelic key", "NRAK-{U27}"],
  ["newrelic insert key", "NRII-{w32}"],
  ["grafana service account", "glsa_{A32}_{h8}"],
  ["grafana cloud", "glc_{b80}"],
  ["grafana api key", (random) => base64(`{"k":"${random.fill("{A32}")}","n":"ci","id":1}`)],
  ["dynatrace token", "dt0c01.{U24}.{U64}"],
  ["anthropic key", "sk-ant-api03-{w93}AA"],
  ["openai project key", "sk-proj-{w74}T3BlbkFJ{w74}"],
  ["openai key", "sk-{A20}T3BlbkFJ{A20}"],
  ["openrouter key", "sk-or-v1-{h64}"],
  ["huggingface token", "hf_{A34}"],
  ["replicate token", "r8_{A37}"],
  ["groq key", "gsk_{A52}"],
  ["xai key", "xai-{A80}"],
  ["perplexity key", "pplx-{A48}"],
  ["nvidia key", "nvapi-{w64}"],
  ["langsmith key", "lsv2_pt_{h32}_{h10}"],
  ["slack bot token", "xoxb-{d12}-{d13}-{A24}"],
  ["slack user token", "xoxp-{d12}-{d12}-{d13}-{h32}"],
  ["slack cookie", "xoxd-{A60}%2B{A20}"],
  ["slack app token", "xapp-1-A{U10}-{d13}-{h64}"],
  ["slack webhook", "https://hooks.slack.com/services/⟨T{U10}/B{U10}/{A24}⟩"],
  ["discord webhook", "https://discord.com/api/webhooks/1{d18}/⟨{w68}⟩"],
  ["telegram token", "1{d9}:⟨AA{w33}⟩"],
  ["twilio key", "SK{h32}"],
  ["sendgrid key", "SG.{w22}.{w43}"],
  ["mailgun key", "key-{h32}"],
  ["brevo key", "xkeysib-{h64}-{A16}"],
  ["typeform token", "tfp_{A44}_{A14}"],
  ["stripe live key", "sk_live_{A24}"],
  ["stripe long key", "sk_live_51{A97}"],
  ["stripe restricted key", "rk_live_{A24}"],
  ["stripe test key", "sk_test_{A24}"],
  ["webhook secret", "whsec_{A32}"],
  ["shopify token", "shpat_{h32}"],
  ["shopify app secret", "shpss_{h32}"],
  ["square token", "sq0atp-{w22}"],
  ["square access token", "EAAA{w60}"],
  ["facebook token", "EAAM{A150}"],
  ["json web token", (random) => jwt(random, { alg: "HS256", typ: "JWT" })],
  ["json web token by rsa", (random) => jwt(random, { typ: "JWT", alg: "RS256", kid: random.fill("{h16}") }, 256)],
  ["json web token by a key of its own header", (random) => jwt(random, { jwk: { kty: "OKP", x: random.fill("{w43}") }, alg: "EdDSA" }, 64)],
  ["encrypted token", (random) => jwe(random)],
  ["rsa key", (random) => pem(random, "RSA PRIVATE KEY", 1190)],
  ["pkcs8 key", (random) => pem(random, "PRIVATE KEY", 1218)],
  ["ec key", (random) => pem(random, "EC PRIVATE KEY", 121)],
  ["openssh key", (random) => pem(random, "OPENSSH PRIVATE KEY", 340)],
  ["encrypted key", (random) => pem(random, "ENCRYPTED PRIVATE KEY", 1300)],
  ["pgp key", (random) => pem(random, "PGP PRIVATE KEY BLOCK", 900)],
  ["long rsa key", (random) => pem(random, "RSA PRIVATE KEY", 4700)],
  ["age key", "AGE-SECRET-KEY-1{U58}"],
  ["postgres password", "postgres://app:⟨{A14}⟩@db.internal.example:5432/orders"],
  ["mongodb password", "mongodb+srv://svc:⟨{A20}⟩@cluster0.example.net/app"],
  ["redis password", "redis://:⟨{A24}⟩@cache.example:6379/0"],
  ["password in a url", "https://deploy:⟨{A12}⟩@git.example/team/app.git"],
  ["visa card", (random) => card(random, "4", 16)],
  ["mastercard", (random) => card(random, "53", 16)],
  ["mastercard of the new range", (random) => card(random, "2230", 16)],
  ["american express card in groups", (random) => grouped(card(random, "37", 15), [4, 6, 5], " ")],
  ["visa card in groups", (random) => grouped(card(random, "4", 16), [4, 4, 4, 4], " ")],
  ["discover card with dashes", (random) => grouped(card(random, "6011", 16), [4, 4, 4, 4], "-")],
  ["german iban", (random) => iban("DE", random.fill("{d18}"))],
  ["british iban", (random) => iban("GB", `WEST${random.fill("{d14}")}`)],
  ["french iban in groups", (random) => grouped(iban("FR", random.fill("{d10}{U11}{d2}")), [4, 4, 4, 4, 4, 4, 3], " ")],
];

/** Known by the name alone. */
const NAMED: readonly (readonly [name: string, maker: Maker])[] = [
  ["password", "{A10}"],
  ["db_password", "{a6}{d3}"],
  ["userPassword", "Tr0ub4dor{d3}"],
  ["passphrase", "{l6}{d4}"],
  ["client_secret", "{A40}"],
  ["clientSecret", "{h32}"],
  ["aws_secret_access_key", "{b40}"],
  ["secretKey", "{A32}"],
  ["api_key", "{h32}"],
  ["apiKey", "{A32}"],
  ["access_token", "{w64}"],
  ["refreshToken", "{w43}"],
  ["auth_token", "{h40}"],
  ["private_token", "{A20}"],
  ["TWILIO_AUTH_TOKEN", "{h32}"],
  ["DD_API_KEY", "{h32}"],
  ["CLOUDFLARE_API_TOKEN", "{w40}"],
  ["AZURE_CLIENT_SECRET", "{A3}8Q~{A34}"],
  ["encryption_key", "{b43}="],
  ["signing_key", "{h64}"],
];

export function secrets(seed: number): Secret[] {
  const random = new Random(seed);
  const make = (maker: Maker): string => (typeof maker === "string" ? random.fill(maker) : maker(random));
  return [
    ...FORMS.map(([kind, maker]) => marked(kind, "note", make(maker))),
    ...NAMED.map(([name, maker]) => marked(name, name, make(maker))),
  ];
}

function marked(kind: string, name: string, made: string): Secret {
  const value = made.replaceAll(/[⟨⟩]/g, "");
  return { kind, name, value, secret: /⟨(.*)⟩/s.exec(made)?.[1] ?? value };
}

function jwt(random: Random, header: object, signature = 32): string {
  const claims = { sub: random.fill("{d10}"), name: random.fill("{l8}"), iat: 1_700_000_000 + random.number(1e6) };
  return [JSON.stringify(header), JSON.stringify(claims), random.bytes(signature)].map((part) => base64url(part)).join(".");
}

function jwe(random: Random): string {
  const header = base64url(JSON.stringify({ alg: "RSA-OAEP", enc: "A256GCM" }));
  return [header, ...[256, 12, 90, 16].map((size) => base64url(random.bytes(size)))].join(".");
}

function pem(random: Random, label: string, size: number): string {
  const lines = base64(random.bytes(size)).match(/.{1,64}/g) ?? [];
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`].join("\n");
}

function serviceAccount(random: Random): string {
  return pem(random, "PRIVATE KEY", 1218);
}

/** A number with the check digit of ISO/IEC 7812-1. */
export function card(random: Random, prefix: string, length: number): string {
  const body = prefix + random.fill(`{d${length - prefix.length - 1}}`);
  let sum = 0;
  [...body].toReversed().forEach((digit, index) => {
    const value = Number(digit) * (index % 2 === 0 ? 2 : 1);
    sum += value > 9 ? value - 9 : value;
  });
  return body + String((10 - (sum % 10)) % 10);
}

/** With the check digits of ISO 13616-1. */
export function iban(country: string, account: string): string {
  const digits = [...`${account}${country}00`].map((character) => Number.parseInt(character, 36)).join("");
  const check = 98n - (BigInt(digits) % 97n);
  return `${country}${String(check).padStart(2, "0")}${account}`;
}

function grouped(text: string, sizes: readonly number[], separator: string): string {
  let at = 0;
  return sizes.map((size) => text.slice(at, (at += size))).join(separator);
}
