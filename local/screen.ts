// What `npm start` prints: a pure function of what runs and of the terminal's width and colours. The
// commands are never broken or coloured within, so that they can be copied as they stand.

import { shown, styleOf } from "../cli/terminal.ts";
import { PEOPLE } from "./oidc_people.ts";
import type { SinkNotice } from "./sink.ts";

export interface Screen {
  readonly gateway: string;
  /** Of a tool that is for browsers. */
  readonly page: string;
  /** Where people look at what happened, and decide. */
  readonly console: string;
  /** Where the notices are shown that approvers get. */
  readonly notices: string;
  readonly issuer: string;
  /** The state folder as a newcomer would write it. */
  readonly state: string;
  /** Set before `npm run token` if the state folder is not the usual one. */
  readonly stateVariable: string | null;
  readonly isColored: boolean;
  /** Columns. */
  readonly width: number;
}

const LABEL = 10;

export function commandsOf({ gateway, stateVariable }: Screen): readonly [string, string, string, string] {
  const prefix = stateVariable === null ? "" : `SALLYPORT_STATE=${quote(stateVariable)} `;
  return [
    `export SALLYPORT_GATEWAY=${gateway} SALLYPORT_TOKEN=$(${prefix}npm run -s token alice)`,
    'curl -H "Authorization: Bearer $SALLYPORT_TOKEN" $SALLYPORT_GATEWAY/c/registry/-/whoami',
    "npm run -s sallyport -- verify-session latest --show",
    'npm run -s hello | curl -X PUT -H "Authorization: Bearer $SALLYPORT_TOKEN" -H "Prefer: wait=300" -H "Content-Type: application/json" --data-binary @- $SALLYPORT_GATEWAY/c/registry/hello',
  ];
}

/** POSIX single quotes, if the text needs any. */
function quote(text: string): string {
  return /^[\w./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

export function renderScreen(screen: Screen): string {
  const { bold, dim, green } = styleOf(screen.isColored);
  const row = (label: string, value: string, note: string): string[] => {
    const head = `  ${dim(label)}${" ".repeat(LABEL - label.length)}${value}`;
    if (note === "") return [head];
    const fits = 2 + LABEL + value.length + 2 + note.length <= screen.width;
    return fits
      ? [`${head}  ${dim(note)}`]
      : [head, ...wrap(note, screen.width - LABEL - 2).map((line) => `  ${" ".repeat(LABEL)}${dim(line)}`)];
  };
  const [token, call, trail, publish] = commandsOf(screen);
  const step = (no: number, title: string, command: string): string[] => [
    "",
    ...wrap(`${no}. ${title}`, screen.width - 2).map((line) => `  ${bold(line)}`),
    command,
  ];
  return [
    "",
    ...wrap("● Sallyport runs on this machine. Ctrl-C ends it.", screen.width - 2).map((line) => `  ${green(line)}`),
    "",
    ...row("gateway", screen.gateway, ""),
    ...row("tools", `${screen.gateway}/c/registry/`, "npm registry (Verdaccio)"),
    ...row("", screen.page, "its page, in a browser"),
    ...row("", `${screen.gateway}/c/everything/mcp`, "MCP reference server"),
    ...row("console", screen.console, "in a browser"),
    ...row("notices", screen.notices, "what approvers are told"),
    ...row("login", screen.issuer, PEOPLE.map((one) => one.subject).join(", ")),
    ...row("records", screen.state, "kept when this ends"),
    "",
    ...wrap("In another terminal, in this folder:", screen.width - 2).map((line) => `  ${line}`),
    ...step(1, "Become Alice, an engineer", token),
    ...step(2, "Call a tool, with a credential Alice never sees", call),
    ...step(3, "Read the trail, and check that nobody altered it", trail),
    ...step(4, "Publish as Alice: the call waits until Bob, a lead, has approved it", publish),
    "",
    ...wrap("5. Decide as Bob, in a browser: the link comes here once she asks", screen.width - 2).map(
      (line) => `  ${bold(line)}`,
    ),
    "",
  ]
    .map((line) => line.trimEnd())
    .join("\n");
}

/** What was sent is a stranger's: it moves no terminal. The link has a line of its own, to be clicked or copied. */
export function renderNotice({ type, timestamp, data }: SinkNotice, isColored: boolean): string {
  const { bold, dim, yellow, green, red } = styleOf(isColored);
  const what = type.replace(/^approval\./, "").replace("_", " ");
  const sign = { requested: yellow, approved: green, denied: red }[what] ?? dim;
  const { title, connection, requester, url } = data;
  const words = `${bold(shown(title, 80))} on ${shown(connection)}, by ${shown(requester, 40)}`;
  return [`  ${sign(`◆ ${what}`)}  ${dim(timestamp.slice(11, 19))}  ${words}`, `    ${shown(url)}`].join("\n");
}

function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ").filter((one) => one !== "")) {
    if (line !== "" && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return line === "" ? lines : [...lines, line];
}
