// wrangler's `rules` make the policy file a text module.
declare module "*/policy/policy.json" {
  const text: string;
  export default text;
}
