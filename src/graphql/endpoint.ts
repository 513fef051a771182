/** The path that everything is served at. */
export const ENDPOINT = "/graphql";
