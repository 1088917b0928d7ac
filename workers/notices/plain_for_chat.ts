// Text of strangers as plain words in a chat. Slack reads `<…>` as a link or a mention, others read
// Markdown, `@channel`, `:emoji:` and bare addresses. Escaping `&`, `<` and `>` is what Slack asks for; the
// rest has no escape that all understand, so each character that begins anything is shown by one that looks
// the same and means nothing. The console shows what was really asked.

const LIMIT = 200;

const LOOKS_LIKE: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  "@": "＠",
  "#": "＃",
  "*": "∗",
  _: "＿",
  "~": "∼",
  "`": "ˋ",
  "[": "［",
  "]": "］",
  "|": "｜",
  "!": "！",
  "\\": "＼",
  // Bare addresses, of the web, of mail and of programs, and emoji.
  ":": "：",
  ".": "․",
};

/** Controls, line ends, invisible characters and those that turn the direction of text. */
const UNSAFE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Cs}\p{Cn}]/gu;

export function plainForChat(text: string): string {
  const characters = [...text.replace(UNSAFE, "�")];
  const shown = characters.length <= LIMIT ? characters : [...characters.slice(0, LIMIT - 1), "…"];
  return shown.map((one) => LOOKS_LIKE[one] ?? one).join("");
}
