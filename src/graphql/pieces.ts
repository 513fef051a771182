import { joined, type Piece } from "../domain/json.ts";

/** A JSON text in pieces: the same for all requests, or made of what one has given. */
export type Json<Given> = readonly Piece[] | ((given: Given) => readonly Piece[]);

/** One after the other. */
export function inOrder<Given>(parts: readonly Json<Given>[]): Json<Given> {
  if (parts.every(isFixed)) return parts.flat();
  return (given) => parts.flatMap((part) => piecesOf(part, given));
}

export function piecesOf<Given>(json: Json<Given>, given: Given): readonly Piece[] {
  return isFixed(json) ? json : json(given);
}

/** What writes the expression of it; written now already, where no request changes it. */
export function writerOf<Given>(json: Json<Given>): (given: Given) => string {
  if (!isFixed(json)) return (given) => joined(json(given));
  const expression = joined(json);
  return () => expression;
}

function isFixed<Given>(json: Json<Given>): json is readonly Piece[] {
  return typeof json !== "function";
}
