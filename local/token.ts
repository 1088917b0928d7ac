// `npm run -s token alice`: logs a person in at the local provider and prints the access token,
// nothing else. `npm run -s token alice http://127.0.0.1:8787/c/registry` asks for one connection's.

import { login } from "./login.ts";
import { PEOPLE } from "./oidc_people.ts";
import { readRunning } from "./running.ts";

const [subject, resource] = process.argv.slice(2);
const running = readRunning();
if (subject === undefined || !PEOPLE.some((one) => one.subject === subject)) {
  console.error(`Whose? npm run -s token ${PEOPLE.map((one) => one.subject).join("|")}`);
  process.exitCode = 2;
} else if (running === null) {
  console.error("Sallyport does not run here: npm start");
  process.exitCode = 1;
} else {
  try {
    process.stdout.write(`${await login(running.issuer, subject, resource ?? running.gateway)}\n`);
  } catch (error) {
    console.error(error instanceof TypeError ? "The provider does not answer: npm start" : String(error));
    process.exitCode = 1;
  }
}
