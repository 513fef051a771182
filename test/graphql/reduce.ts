import {
  type DocumentNode,
  type GraphQLSchema,
  Kind,
  parse,
  print,
  type SelectionNode,
  validate,
  visit,
} from "graphql";

/** The parts of a document that may be taken out one by one. */
const LISTS = ["definitions", "variableDefinitions", "selections", "directives", "arguments", "fields", "values"];

type Node = { [key: string]: unknown };

/**
 * A smaller valid document that still fails: parts are taken out as long as any of it can be. `fails` is asked at most `tries`
 * times.
 */
export async function reduce(
  schema: GraphQLSchema,
  document: DocumentNode,
  fails: (smaller: DocumentNode) => Promise<boolean>,
  tries = 1500,
): Promise<DocumentNode> {
  let smallest = parse(print(document), { noLocation: true });
  let left = tries;
  for (let again = true; again && left > 0; ) {
    again = false;
    for (const smaller of [without, inlined]) {
      // From the top down: the largest parts first.
      for (let place = 0; left > 0; place++) {
        const candidate = smaller(smallest, place);
        if (candidate === undefined) break;
        const clean = withoutUnused(candidate);
        if (!parses(clean) || validate(schema, clean).length > 0) continue;
        left--;
        if (await fails(clean)) {
          smallest = clean;
          again = true;
          place--; // what came behind it is here now
        }
      }
    }
  }
  return smallest;
}

/** A copy without the part that is at this place, counted level by level; undefined behind the last one. */
function without(document: DocumentNode, place: number): DocumentNode | undefined {
  const copy = structuredClone(document) as unknown as Node;
  let level: Node[] = [copy];
  let passed = 0;
  while (level.length > 0) {
    const next: Node[] = [];
    for (const node of level) {
      for (const [key, value] of Object.entries(node)) {
        if (Array.isArray(value)) {
          if (LISTS.includes(key)) {
            if (place < passed + value.length) {
              value.splice(place - passed, 1);
              return copy as unknown as DocumentNode;
            }
            passed += value.length;
          }
          next.push(...(value as Node[]));
        } else if (typeof value === "object" && value !== null) next.push(value as Node);
      }
    }
    level = next;
  }
  return undefined;
}

/** A copy with a fragment's selections in the place of the fragment; undefined behind the last one. */
function inlined(document: DocumentNode, place: number): DocumentNode | undefined {
  let passed = 0;
  const inline = (of: SelectionNode): readonly SelectionNode[] => {
    if (of.kind === Kind.FIELD || passed++ !== place) return [of];
    if (of.kind === Kind.INLINE_FRAGMENT) return of.selectionSet.selections;
    return document.definitions.flatMap((one) =>
      one.kind === Kind.FRAGMENT_DEFINITION && one.name.value === of.name.value ? one.selectionSet.selections : [],
    );
  };
  const copy = visit(document, {
    SelectionSet: { leave: (set) => ({ ...set, selections: set.selections.flatMap(inline) }) },
  });
  return passed > place ? copy : undefined;
}

/** Without the fragments and the variables that nothing refers to any more. */
function withoutUnused(document: DocumentNode): DocumentNode {
  const spread = new Set<string>();
  visit(document, { FragmentSpread: ({ name }) => void spread.add(name.value) });
  const kept = visit(document, { FragmentDefinition: ({ name }) => (spread.has(name.value) ? undefined : null) });
  if (kept.definitions.length < document.definitions.length) return withoutUnused(kept);
  const fragments = new Map<string, Set<string>>();
  return visit(kept, {
    OperationDefinition(operation) {
      const used = variablesOf(kept, operation, fragments);
      const variableDefinitions = operation.variableDefinitions?.filter(({ variable }) =>
        used.has(variable.name.value),
      );
      return { ...operation, variableDefinitions: variableDefinitions ?? [] };
    },
  });
}

function variablesOf(document: DocumentNode, node: object, known: Map<string, Set<string>>): Set<string> {
  const used = new Set<string>();
  visit(node as DocumentNode, {
    VariableDefinition: () => false,
    Variable: ({ name }) => void used.add(name.value),
    FragmentSpread({ name }) {
      if (!known.has(name.value)) {
        known.set(name.value, new Set());
        const fragment = document.definitions.find(
          (one) => "name" in one && one.kind === "FragmentDefinition" && one.name.value === name.value,
        );
        if (fragment) known.set(name.value, variablesOf(document, fragment, known));
      }
      for (const variable of known.get(name.value) ?? []) used.add(variable);
    },
  });
  return used;
}

function parses(document: DocumentNode): boolean {
  try {
    parse(print(document));
    return true;
  } catch {
    return false;
  }
}
