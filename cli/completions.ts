// What may stand at the end of a command line. Pure: names come from `Names`, so that pressing a key
// asks no gateway. The packages that do this hand the shell a script that evaluates what was typed, and
// expands what they offer.

import type { Command, Option } from "commander";

export interface Names {
  contexts(): readonly string[];
  connections(): readonly string[];
}

export interface Offered {
  /** Values with what they are; those that begin with the word that was begun. */
  readonly values: readonly (readonly [value: string, what: string])[];
  /** The shell adds files. */
  readonly hasFiles: boolean;
  /** No blank after the value: more of the same word follows. */
  readonly isOpen: boolean;
}

const NOTHING: Offered = { values: [], hasFiles: false, isOpen: false };

/** `words` are those after the program's name; the last one is the one being typed, perhaps empty. */
export function completionsOf(program: Command, words: readonly string[], names: Names): Offered {
  const joined = joinAssignments(words);
  const word = joined.at(-1) ?? "";
  let command = program;
  const operands: string[] = [];
  let pending: Option | null = null;
  for (const one of joined.slice(0, -1)) {
    if (pending !== null) pending = null;
    else if (isCurl(command) && operands.length > 0) operands.push(one);
    else if (one.startsWith("-") && one !== "-") {
      const option = optionOf(command, one);
      pending = option !== null && takesValue(option) ? option : null;
    } else {
      const next = operands.length > 0 ? undefined : command.commands.find((sub) => sub.name() === one);
      if (next === undefined) operands.push(one);
      else command = next;
    }
  }
  if (pending !== null) return ofOption(pending, word, names);
  const assigned = /^(--[a-z-]+)=(.*)$/.exec(word);
  if (assigned !== null) {
    const option = optionOf(command, assigned[1] ?? "");
    return option === null ? NOTHING : ofOption(option, assigned[2] ?? "", names);
  }
  if (word.startsWith("-")) return beginning(word, optionValues(command));
  const commands =
    operands.length > 0 ? [] : visible(command).map((sub) => [sub.name(), sub.summary() || sub.description()] as const);
  const own = ofOperand(command, operands.length, word, names);
  return { ...own, values: [...beginning(word, commands).values, ...own.values] };
}

/** bash cuts at `=`: three words are one again. */
function joinAssignments(words: readonly string[]): string[] {
  const joined: string[] = [];
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? "";
    const before = joined.at(-1);
    if (word === "=" && before?.startsWith("--") === true) {
      joined[joined.length - 1] = `${before}=${words[at + 1] ?? ""}`;
      at += 1;
    } else joined.push(word);
  }
  return joined;
}

function isCurl(command: Command): boolean {
  return command.name() === "curl";
}

function visible(command: Command): readonly Command[] {
  return command.createHelp().visibleCommands(command);
}

function optionOf(command: Command, word: string): Option | null {
  for (let at: Command | null = command; at !== null; at = at.parent) {
    const found = at.options.find((one) => one.long === word || one.short === word);
    if (found !== undefined) return found;
  }
  return null;
}

function takesValue(option: Option): boolean {
  return option.required || option.optional;
}

function optionValues(command: Command): readonly (readonly [string, string])[] {
  return command
    .createHelp()
    .visibleOptions(command)
    .flatMap((option) => (option.long === undefined ? [] : [[option.long, option.description] as const]));
}

function beginning(word: string, values: readonly (readonly [string, string])[]): Offered {
  return { ...NOTHING, values: values.filter(([value]) => value.startsWith(word)) };
}

function plain(values: readonly string[]): readonly (readonly [string, string])[] {
  return values.map((value) => [value, ""] as const);
}

function ofOption(option: Option, word: string, names: Names): Offered {
  if (option.argChoices !== undefined) return beginning(word, plain(option.argChoices));
  switch (option.attributeName()) {
    case "context":
      return beginning(word, plain(names.contexts()));
    case "connection":
      return beginning(word, plain(names.connections()));
    default:
      return /<(?:file|path)>/.test(option.flags) ? { ...NOTHING, hasFiles: true } : NOTHING;
  }
}

function ofOperand(command: Command, at: number, word: string, names: Names): Offered {
  if (isCurl(command)) {
    if (at > 0 || word.includes("/")) return { ...NOTHING, hasFiles: at > 0 };
    return { ...beginning(word, plain(names.connections().map((name) => `${name}/`))), isOpen: true };
  }
  const argument = command.registeredArguments[at] ?? command.registeredArguments.findLast((one) => one.variadic);
  if (argument === undefined) return NOTHING;
  if (argument.argChoices !== undefined) return beginning(word, plain(argument.argChoices));
  switch (argument.name()) {
    case "context":
      return beginning(word, plain(names.contexts()));
    case "session":
      return beginning(word, [["latest", "your newest session"]]);
    case "source":
      return { ...beginning(word, [["latest", "your newest session"]]), hasFiles: true };
    default:
      return /file|policy|path/.test(argument.name()) ? { ...NOTHING, hasFiles: true } : NOTHING;
  }
}

/** A line each: the value, a tab and what it is; then what the shell is to do. */
export function offeredText({ values, hasFiles, isOpen }: Offered): string {
  const lines = values.map(([value, what]) => (what === "" ? value : `${value}\t${what.split("\n", 1)[0] ?? ""}`));
  return [...lines, ...(hasFiles ? [":files"] : []), ...(isOpen ? [":open"] : [])].map((line) => `${line}\n`).join("");
}
