import { afterAll, beforeAll } from "vitest";
import { createDatabase, type TestDatabase } from "../harness.ts";
import { checklist } from "./checklist.ts";

let database: TestDatabase;
beforeAll(async () => {
  database = await createDatabase();
});
afterAll(() => database.drop());

checklist(() => database);
