// Spellings of paths that leave the place they are put into, under one reader's rules or another's.
// Each stands below a connection: /c/tool + path.

export const CLIMBING: readonly string[] = [
  // Plain.
  "/..", "/../", "/../x", "/a/..", "/a/../..", "/a/../../x", "/.", "/./x", "/a/.", "/a/./b", "//../x", "/a//../b",
  // Encoded dots.
  "/%2e%2e/x", "/%2E%2E/x", "/.%2e/x", "/%2e./x", "/%2E./x", "/%2e", "/a/%2e", "/a/%2e/b", "/a/%2e%2e",
  // Encoded twice, three times, and in pieces.
  "/%252e%252e/x", "/%25252e%25252e/x", "/%252e./x", "/.%252e/x", "/%25%32%65%25%32%65/x", "/%25%32e./x", "/%2525%32%65./x", "/%25252525252525252525252e./x",
  // Behind encoded separators.
  "/a%2f..%2fb", "/a%2F..", "/..%2fx", "/..%2Fx", "/%2e%2e%2fx", "/a%252f..%252fb", "/a%25252f..", "/..%252fx",
  // Behind backslashes, plain and encoded.
  "/..\\x", "/a\\..\\b", "\\..\\x", "/a\\b", "/..%5cx", "/..%5Cx", "/a%5c..%5cb", "/%2e%2e%5cx", "/a%255c..%255cb", "/a%5c..",
  // With parameters, queries, fragments and streams, that some readers cut.
  "/..;/x", "/..;a=b/x", "/.;/x", "/%2e%2e;/x", "/..%3b/x", "/..%3Bv=1/x", "/..%253b/x", "/a/..;", "/..%3fx", "/..%23x", "/..:/x", "/..::$DATA/x", "/..%3a/x",
  // With what Windows ignores at a name's end.
  "/..%20/x", "/..%20", "/.%20/x", "/..%20./x", "/..%20%20/x", "/.%20./x", "/%20../x", "/..%2520/x",
  // With controls.
  "/..%00/x", "/..%09/x", "/..%0a/x", "/.%00./x", "/..%0d%0a/x", "/a%00b", "/%7f", "/a%250ab", "/..%2509/x",
  // Overlong UTF-8.
  "/%c0%ae%c0%ae/x", "/%C0%AE./x", "/..%c0%afx", "/%e0%80%ae%e0%80%ae/x", "/%f0%80%80%ae./x", "/..%c1%9cx", "/%25c0%25ae./x",
  // Characters that normalisation turns into dots and separators.
  "/%ef%bc%8e%ef%bc%8e/x", "/%e2%80%a5/x", "/%e2%80%a4%e2%80%a4/x", "/..%ef%bc%8fx", "/..%ef%bc%bcx", "/%25ef%25bc%258e./x",
];

/** Paths that look alike and stay where they are. */
export const STAYING: readonly string[] = [
  "", "/", "/a", "/a/b/c", "/a//b", "//", "/a/", "/...", "/.../x", "/a...b", "/..a", "/a..", "/.a", "/a.", "/.well-known/x", "/.git/HEAD",
  "/a/..b/c", "/a/b..c", "/@scope%2fname", "/@scope%2Fname", "/a%20b", "/a%2520b", "/a%252fb", "/%E2%82%AC", "/%C3%A9", "/%e9", "/a;b=c/d", "/;x", "/a:b", "/100%25",
  "/~a", "/a%3b..b", "/a%5cb", "/a%2f.b", "/%2e%2e%2e", "/%2ea", "/name-1.0.0.tgz", "/%E2%80%A6", "/a=..b", "/v2/..a/",
];
