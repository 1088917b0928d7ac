// The API's document as an independent reader holds answers against it: what it does not describe is a
// finding, be it a status, a media type or a member of an object.

import { Ajv2020 } from "ajv/dist/2020.js";

type Json = Readonly<Record<string, unknown>>;

export class ApiDocument {
  readonly #document: Json;
  readonly #ajv: Ajv2020;

  constructor(document: unknown) {
    this.#document = closed(document) as Json;
    this.#ajv = new Ajv2020({ strict: false, allErrors: true, validateFormats: false });
    this.#ajv.addSchema(this.#document, "api");
  }

  /** Sentences about what the document does not say of this answer; `path` as the document writes it. */
  async problems(method: string, path: string, answer: Response): Promise<string[]> {
    const asked = method === "HEAD" ? "get" : method.toLowerCase();
    const at = ["paths", path, asked, "responses", String(answer.status)];
    const spec = this.#find(at);
    if (spec === undefined) return [`${method} ${path} is not said to answer ${answer.status}`];
    const text = await answer.text();
    const type = (answer.headers.get("content-type") ?? "").split(";", 1)[0] ?? "";
    const content = (spec as { content?: Json }).content;
    if (content === undefined) return text === "" ? [] : [`${method} ${path} ${answer.status} is said to have no body`];
    if (!(type in content)) return [`${method} ${path} ${answer.status} is not said to be ${type}`];
    if (method === "HEAD" || !type.endsWith("json") || type.endsWith("ndjson")) return [];
    const pointer = [...at, "content", type, "schema"].map(step).join("/");
    const validate = this.#ajv.compile({ $ref: `api#/${pointer}` });
    return validate(JSON.parse(text))
      ? []
      : (validate.errors ?? []).map(
          ({ instancePath, message, params }) =>
            `${method} ${path} ${answer.status}: ${instancePath} ${message} ${JSON.stringify(params)}`,
        );
  }

  #find(path: readonly string[]): unknown {
    let here: unknown = this.#document;
    for (const name of path) here = typeof here === "object" && here !== null ? (here as Json)[name] : undefined;
    return here;
  }
}

/** RFC 6901, as a URI fragment. */
function step(name: string): string {
  return encodeURIComponent(name.replaceAll("~", "~0").replaceAll("/", "~1"));
}

/** Objects that name their members have no others: clients may be given more one day, these answers are not. */
function closed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(closed);
  if (typeof value !== "object" || value === null) return value;
  const inside = Object.fromEntries(Object.entries(value).map(([name, member]) => [name, closed(member)]));
  return "properties" in inside && inside.type === "object" && !("additionalProperties" in inside)
    ? { ...inside, additionalProperties: false }
    : inside;
}
