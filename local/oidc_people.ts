// The people of the demonstration. They log in by a click: a provider that anybody on this machine
// may enter, for a gateway that holds nothing but a demonstration.

export interface Person {
  readonly subject: string;
  readonly name: string;
  readonly email: string;
  readonly groups: readonly string[];
}

export const PEOPLE: readonly Person[] = [
  { subject: "alice", name: "Alice Archer", email: "alice@example.test", groups: ["engineers"] },
  { subject: "bob", name: "Bob Berger", email: "bob@example.test", groups: ["engineers", "leads"] },
  { subject: "carol", name: "Carol Castillo", email: "carol@example.test", groups: ["auditors"] },
  { subject: "dan", name: "Dan Dupont", email: "dan@example.test", groups: ["admins"] },
];
