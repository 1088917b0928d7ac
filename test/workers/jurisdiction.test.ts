// The local runtime has no jurisdictions, so a namespace that only notes which one was asked for
// stands in for the platform's.

import { expect, test } from "vitest";
import { placed } from "../../durable/jurisdiction.ts";
import { registryShard } from "../../durable/registry_client.ts";

interface Noted {
  readonly where: string;
}

function namespace(where: string): DurableObjectNamespace<never> & Noted {
  const self = {
    where,
    jurisdiction: (name: string) => namespace(name),
    idFromName: (name: string) => `${where}:${name}`,
    get: (id: unknown) => ({ id }),
  };
  return self as unknown as DurableObjectNamespace<never> & Noted;
}

test("a region's objects rest in the jurisdiction that its variable names", () => {
  expect((placed(namespace("anywhere"), { JURISDICTION: "eu" }) as unknown as Noted).where).toBe("eu");
  expect((placed(namespace("anywhere"), { JURISDICTION: "us" }) as unknown as Noted).where).toBe("us");
});

test("a region without a jurisdiction takes the namespace as it is", () => {
  expect((placed(namespace("anywhere"), {}) as unknown as Noted).where).toBe("anywhere");
});

test("the registry that lists a session rests where the session does", () => {
  expect(registryShard({ REGISTRY: namespace("anywhere"), JURISDICTION: "eu" }, "a").id).toBe("eu:registry/a");
});
