// PostGraphile as its documentation has it: the Amber preset, in production mode (NODE_ENV and GRAPHILE_ENV are set by who
// starts it). Plain JavaScript, as its own examples are.
import { PostGraphileAmberPreset } from "postgraphile/presets/amber";
import { makePgService } from "postgraphile/adaptors/pg";

export default {
  extends: [PostGraphileAmberPreset],
  pgServices: [
    makePgService({
      connectionString: process.env.DATABASE_URL,
      schemas: ["public", "for_postgraphile"],
      poolConfig: { max: 10 },
      pubsub: false,
    }),
  ],
  // Plain lists beside connections ("simple collections"): what has no cursors need not be one.
  schema: { defaultBehavior: "+connection +list" },
  grafserv: { graphiql: false, watch: false, outputDataAsString: true },
  grafast: { explain: false },
};
