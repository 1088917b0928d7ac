// Secrets whose form is a standard and no provider's: JSON Web Tokens, credentials in URLs and in lines
// of HTTP, encoded private keys, secrets on a command line.

import type { TokenRule } from "./token.ts";
import { ALPHANUMERIC } from "./window.ts";

/** What stands between a header's name and its value, in HTTP, in JSON, in a shell's quotes, in code. */
const HEADER_MARK = `[\\\\"']{0,4}[ ]{0,3}[:=][ ]{0,3}[\\\\"']{0,4}`;

// Where a person may write a variable, the secret begins with none of `$`, `%`, `*`, `{`: `$TOKEN`, `%TOKEN%`, `****`.

const SCHEMES =
  "bearer|basic|token|bot|digest|apikey|api-key|negotiate|ntlm|hawk|ssws|dpop|splunk|oauth|gnap|vapid|sso-key|geniekey|key|mac";

export const STANDARD_TOKENS: readonly TokenRule[] = [
  // RFC 7515 §3.1: three parts, or five (RFC 7516). A header begins with `{"`, so its base64url with `eyJ`.
  {
    id: "jwt",
    keywords: ["eyj"],
    pattern: "eyJ[0-9A-Za-z_-]{10,1000}\\.[0-9A-Za-z_.-]{16,}",
    notAfter: `${ALPHANUMERIC}_-`,
  },
  // A header that carries certificates is longer than a walk may be: known by the name it begins with (alg, typ, kid, x5c).
  {
    id: "jwt",
    keywords: ["eyjhbgcio", "eyj0exaio", "eyjrawqio", "eyj0nwmio"],
    pattern: "eyJ(?:hbGciO|0eXAiO|raWQiO|4NWMiO)[0-9A-Za-z_.-]{40,}",
    notAfter: `${ALPHANUMERIC}_-`,
  },
  // RFC 9110 §11.6.2.
  {
    id: "authorization",
    keywords: ["authorization"],
    pattern: `(?i)authorization${HEADER_MARK}(?:${SCHEMES})[ ]{1,4}([^ \\t\\r\\n"'\`<>\\\\,;&(){}$%*][^ \\t\\r\\n"'\`<>\\\\,;&(){}]{5,})`,
    notAfter: "",
  },
  {
    id: "authorization",
    keywords: ["bearer "],
    pattern: "(?i)bearer[ ]{1,4}([a-z0-9._~+/-]{16,1000}={0,2})",
    entropy: 3,
    digit: true,
  },
  {
    id: "authorization",
    keywords: ["basic "],
    pattern: "(?i)basic[ ]{1,4}([a-z0-9+/]{12,1000}={0,2})",
    entropy: 3,
    digit: true,
  },
  // RFC 6265 §4: the whole of the line, since any cookie can be a session's.
  {
    id: "cookie",
    keywords: ["cookie:"],
    pattern: "(?i)cookie:[ ]{0,3}([^ \\t\\r\\n\"'`<>\\\\=&][^\\r\\n\"'`<>\\\\&]{8,})",
    notAfter: "",
  },
  // A private key as kubeconfigs have it: base64 of `-----BEGIN … PRIVATE KEY`, and not of a certificate.
  {
    id: "private-key",
    keywords: ["ls0tls0crudjti"],
    pattern: "LS0tLS1CRUdJTi(?:BQUklW|BSU0Eg|BFQyBQ|BPUEVO|BFTkNS|BEU0Eg)[0-9A-Za-z+/=_-]{40,}",
    notAfter: "",
  },
  // A PKCS #8 or SEC 1 key without its lines is known by how its DER begins, if it says RSA, Ed25519 or an elliptic curve.
  {
    id: "private-key",
    keywords: ["miiev", "miieo", "miiep", "migha", "mc0caqa"],
    pattern:
      "M(?:IIEvgIBADANBgkqhkiG9w0BAQEFAASC|IIEvQIBADANBgkqhkiG9w0BAQEFAASC|IIEvwIBADANBgkqhkiG9w0BAQEFAASC|IIEowIBAAKCAQEA|IIEpAIBAAKCAQEA|IIEpQIBAAKCAQEA|IIEogIBAAKCAQEA|IGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg|C4CAQAwBQYDK2VwBCIEI)[0-9A-Za-z+/=]{40,}",
    notAfter: "",
  },
  { id: "age-key", keywords: ["age-secret-key-0"], pattern: "(?i)age-secret-key-1[a-z0-9]{58}" },
  // `curl -u name:password`, `--user name:password`.
  {
    id: "command-line-password",
    keywords: ["-u ", "--user "],
    pattern:
      "-(?:u|-user) [\"']{0,1}[^ \\t\\r\\n\"'`<>:\\\\/]{1,64}:([^ \\t\\r\\n\"'`<>\\\\&$%*{][^ \\t\\r\\n\"'`<>\\\\&]{2,255})",
    notAfter: `${ALPHANUMERIC}_-.,;:/=+!?`,
    low: true,
  },
  // netrc(5).
  {
    id: "netrc-password",
    keywords: ["login "],
    pattern:
      "login [^ \\t\\r\\n\"'`<>\\\\]{1,64}[ ]{1,4}password[ ]{1,4}([^ \\t\\r\\n\"'`<>\\\\&$%*{][^ \\t\\r\\n\"'`<>\\\\&]{2,255})",
    low: true,
  },
];
