import {
  type DocumentNode,
  type FieldNode,
  type GraphQLInputType,
  type GraphQLNamedType,
  type GraphQLObjectType,
  type GraphQLOutputType,
  type GraphQLSchema,
  type GraphQLType,
  getNamedType,
  getNullableType,
  isEnumType,
  isInputObjectType,
  isListType,
  isNonNullType,
  isObjectType,
  Kind,
  type SelectionSetNode,
  TypeInfo,
  typeFromAST,
  visit,
  visitWithTypeInfo,
} from "graphql";

type Maybe<T> = T | null | undefined;

/** Which parts of a schema documents asked for, and answers showed. */
export class Coverage {
  private readonly schema: GraphQLSchema;
  private readonly roots: readonly GraphQLObjectType[];
  private readonly used = new Set<string>();

  /** @param roots - the types of the operations that count; by default queries alone */
  constructor(schema: GraphQLSchema, roots: readonly Maybe<GraphQLObjectType>[] = [schema.getQueryType()]) {
    this.schema = schema;
    this.roots = roots.filter((root) => root != null);
  }

  /** Fields, arguments, input fields and enum values of a document and of its variables. */
  addDocument(document: DocumentNode, variables: Record<string, unknown>): void {
    const info = new TypeInfo(this.schema);
    const note = (name: string) => this.used.add(name);
    visit(
      document,
      visitWithTypeInfo(info, {
        Field: ({ name }) => void note(`${info.getParentType()?.name}.${name.value}`),
        Argument: ({ name }) => void note(`${info.getParentType()?.name}.${info.getFieldDef()?.name}(${name.value})`),
        ObjectField: ({ name }) => void note(`${inputName(info.getParentInputType())}.${name.value}`),
        EnumValue: ({ value }) => void note(`${inputName(info.getInputType())}.${value}`),
        VariableDefinition: ({ variable, type }) => {
          const of = typeFromAST(this.schema, type);
          if (of) this.addInput(of as GraphQLInputType, variables[variable.name.value]);
        },
      }),
    );
  }

  private addInput(type: GraphQLInputType, value: unknown): void {
    const inner = getNullableType(type);
    if (value === undefined || value === null) return;
    if (isListType(inner)) for (const item of Array.isArray(value) ? value : [value]) this.addInput(inner.ofType, item);
    else if (isEnumType(inner)) this.used.add(`${inner.name}.${value}`);
    else if (isInputObjectType(inner) && typeof value === "object") {
      for (const [key, of] of Object.entries(value)) {
        const field = inner.getFields()[key];
        if (!field) continue;
        this.used.add(`${inner.name}.${key}`);
        this.addInput(field.type, of);
      }
    }
  }

  /** What an answer showed: of each field that may be null, both; of each enum, its values. */
  addAnswer(document: DocumentNode, operationName: string | undefined, data: unknown): void {
    const operation = document.definitions.find(
      (one) =>
        one.kind === Kind.OPERATION_DEFINITION && (operationName === undefined || one.name?.value === operationName),
    );
    if (operation?.kind !== Kind.OPERATION_DEFINITION) return;
    const type = this.schema.getRootType(operation.operation);
    if (type && this.roots.includes(type)) {
      this.addObject(document, type, [operation.selectionSet], data);
    }
  }

  private addObject(
    document: DocumentNode,
    type: GraphQLObjectType,
    sets: readonly SelectionSetNode[],
    data: unknown,
  ): void {
    for (const [key, value] of Object.entries(data ?? {})) {
      const nodes = sets.flatMap((set) => fieldsOf(document, type, set, key));
      const field = type.getFields()[nodes[0]?.name.value ?? ""];
      if (!field) continue; // __typename and introspection
      if (!isNonNullType(field.type))
        this.used.add(`${type.name}.${field.name} ${value === null ? "null" : "not null"}`);
      const below = nodes.flatMap((node) => (node.selectionSet ? [node.selectionSet] : []));
      this.addValue(document, field.type, below, value);
    }
  }

  private addValue(
    document: DocumentNode,
    type: GraphQLOutputType,
    sets: readonly SelectionSetNode[],
    value: unknown,
  ): void {
    if (Array.isArray(value)) for (const item of value) this.addValue(document, type, sets, item);
    else if (value !== null) {
      const named = getNamedType(type);
      if (isEnumType(named)) this.used.add(`${named.name}.${value}`);
      else if (isObjectType(named)) this.addObject(document, named, sets, value);
    }
  }

  /** All that can be reached and nothing used, by name, in the order of the schema. */
  missing(): string[] {
    const wanted = new Set(["Query.__schema", "Query.__type", "Query.__typename"]);
    const seen = new Set<GraphQLNamedType>();
    const reachNamed = (type: GraphQLType) => reach(getNamedType(type));
    const reach = (type: GraphQLNamedType | null | undefined): void => {
      if (!type || seen.has(type)) return;
      seen.add(type);
      if (isEnumType(type)) for (const { name } of type.getValues()) wanted.add(`${type.name}.${name}`);
      if (!("getFields" in type)) return;
      for (const field of Object.values(type.getFields())) {
        wanted.add(`${type.name}.${field.name}`);
        if (isObjectType(type) && !isNonNullType(field.type)) {
          for (const what of ["null", "not null"]) wanted.add(`${type.name}.${field.name} ${what}`);
        }
        if ("args" in field) {
          for (const arg of field.args) {
            wanted.add(`${type.name}.${field.name}(${arg.name})`);
            reachNamed(arg.type);
          }
        }
        reachNamed(field.type);
      }
    };
    for (const root of this.roots) reach(root);
    for (const type of this.schema.getPossibleTypes(this.schema.getType("Node") as never)) reach(type);
    return [...wanted].filter((name) => !this.used.has(name));
  }
}

function inputName(type: GraphQLInputType | null | undefined): string | undefined {
  return type ? getNamedType(type).name : undefined;
}

/** The fields of a selection set that answer under a key in an object of this type, also those of fragments. */
function fieldsOf(document: DocumentNode, type: GraphQLObjectType, set: SelectionSetNode, key: string): FieldNode[] {
  return set.selections.flatMap((selection) => {
    if (selection.kind === Kind.FIELD) return (selection.alias ?? selection.name).value === key ? [selection] : [];
    const fragment =
      selection.kind === Kind.INLINE_FRAGMENT
        ? selection
        : document.definitions.find(
            (one) => one.kind === Kind.FRAGMENT_DEFINITION && one.name.value === selection.name.value,
          );
    if (fragment?.kind !== Kind.INLINE_FRAGMENT && fragment?.kind !== Kind.FRAGMENT_DEFINITION) return [];
    const on = fragment.typeCondition?.name.value ?? type.name;
    const applies = on === type.name || type.getInterfaces().some(({ name }) => name === on);
    return applies ? fieldsOf(document, type, fragment.selectionSet, key) : [];
  });
}
