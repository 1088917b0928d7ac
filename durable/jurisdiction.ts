// Where a region's objects are made and stay: in the jurisdiction that the region's variable names
// (eu, us), or wherever the platform likes if it names none. The same name in another jurisdiction is
// another object, so every use of a namespace goes through here; the local runtime knows none.

export const JURISDICTIONS = ["eu", "us"] as const;

interface Jurisdiction {
  readonly JURISDICTION?: (typeof JURISDICTIONS)[number];
}

export function placed<T extends Rpc.DurableObjectBranded | undefined>(
  namespace: DurableObjectNamespace<T>,
  { JURISDICTION }: Jurisdiction,
): DurableObjectNamespace<T> {
  return JURISDICTION === undefined ? namespace : namespace.jurisdiction(JURISDICTION);
}
