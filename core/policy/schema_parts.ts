// What several members of the policy file are made of.

import * as v from "valibot";
import type { FileSubject } from "./file.ts";

type Schema<T> = v.GenericSchema<unknown, T>;

/** Of one list. */
export const MAX_NAMES: number = 1000;

export const Name: v.GenericSchema<string, string> = v.pipe(
  v.string("a name"),
  v.regex(/^[a-z][a-z0-9_-]{0,63}$/, "a name: a-z, 0-9, _ and -"),
);

export const Text: v.GenericSchema<string, string> = v.pipe(
  v.string("text"),
  v.minLength(1, "text that is not empty"),
  v.maxLength(2048, "text of at most 2048 characters"),
  v.check((text) => text.isWellFormed(), "well-formed Unicode"),
);

/** Of a JSON member, a parameter or the like. */
export const FieldName: Schema<string> = v.pipe(Text, v.maxLength(128, "a field's name"));

export function list<T>(item: Schema<T>, most: number, what: string): Schema<T[]> {
  return v.pipe(v.array(item, "a list"), v.maxLength(most, `at most ${most} ${what}`));
}

export function whole(least: number, most: number): Schema<number> {
  return v.pipe(
    v.number("a number"),
    v.integer("a whole number"),
    v.minValue(least, `${least} to ${most}`),
    v.maxValue(most, `${least} to ${most}`),
  );
}

/** Valibot takes a list for an object whose members are its indexes; where all members are optional that would pass. */
export const NoList: v.CheckAction<unknown, string> = v.check((value) => !Array.isArray(value), "an object");

export const Subject: Schema<FileSubject> = v.strictObject({ issuer: Text, subject: Text }, "an issuer and a subject");

/** Members of a role, and with `roles` of whoever is meant by one. */
export const People: {
  readonly issuer: Schema<string | undefined>;
  readonly groups: Schema<string[]>;
  readonly subjects: Schema<FileSubject[]>;
} = {
  issuer: v.optional(Text),
  groups: v.optional(list(Text, MAX_NAMES, "groups"), []),
  subjects: v.optional(list(Subject, MAX_NAMES, "subjects"), []),
};

export const PeopleWithRoles: typeof People & { readonly roles: Schema<string[]> } = {
  roles: v.optional(list(Name, MAX_NAMES, "roles"), []),
  ...People,
};

/** `http://0x7f.1`, a default port, `/a/../b`: a text that the parser of URLs would change is not what a reviewer reads. */
export function isPlainUrl(text: string): boolean {
  if (text.length > 2048) return false;
  if (!/^https?:\/\/[A-Za-z0-9.\-[\]:]+(?:\/[A-Za-z0-9\-._~!$&'()*+,;=:@/]*)?$/.test(text)) return false;
  const url = URL.canParse(text) ? new URL(text) : null;
  return url !== null && url.username === "" && (url.href === text || url.href === `${text}/`);
}
