/**
 * Whether a terminal shows this text and obeys nothing in it, but for line ends and for the colours that
 * the command itself sets.
 */
export function isSafe(text: string): boolean {
  // oxlint-disable-next-line no-control-regex
  const own = text.replaceAll(/\u001b\[\d+(?:;\d+)*m/g, "").replaceAll("\n", "");
  return !/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Cs}]/u.test(own);
}
