// A leaf's clear part: which names and values may stand in it, and its text. docs/record_format.md §2.

import type { Classes } from "./record.ts";

const NAME = /^[a-z_]{1,32}$/;
const TEXT = /^[\x20-\x7e]{0,128}$/;

function isClass(name: string, value: unknown): value is string | number {
  return NAME.test(name) && (typeof value === "number" ? Number.isSafeInteger(value) : isText(value));
}

function isText(value: unknown): value is string {
  return typeof value === "string" && TEXT.test(value);
}

export function isClasses(value: object): value is Classes {
  return Object.entries(value).every(([name, one]) => isClass(name, one));
}

/** RFC 8785 text of the classes. Throws on a class that would let content into the clear part: a defect of the caller. */
export function classesText(classes: Classes): string {
  let text = "{";
  for (const name of Object.keys(classes).sort()) {
    const value = classes[name];
    if (!isClass(name, value)) throw new TypeError(`class ${JSON.stringify(name)} does not belong into a leaf`);
    text += `${text.length === 1 ? "" : ","}"${name}":${typeof value === "number" ? String(value) : JSON.stringify(value)}`;
  }
  return `${text}}`;
}
