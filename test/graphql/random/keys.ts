import {
  type GraphQLCompositeType,
  type GraphQLField,
  type GraphQLSchema,
  getNamedType,
  isAbstractType,
  isCompositeType,
  isInterfaceType,
  isObjectType,
  isRequiredArgument,
  SchemaMetaFieldDef,
  TypeMetaFieldDef,
  TypeNameMetaFieldDef,
} from "graphql";
import { type Call, type KnownRow, makeCall } from "./arguments.ts";
import type { Random } from "./random.ts";
import type { Values } from "./values.ts";
import type { Writer } from "./writer.ts";

type Field = GraphQLField<unknown, unknown>;

/**
 * Selections that may be merged share a region. In it a response key of a type is one field with one set of arguments, so that
 * all of them can be merged; below a key there may be another region.
 */
export class Region<Fragment> {
  readonly fragments: Fragment[] = [];
  private readonly groups = new Map<string, Map<string, Key<Fragment>>>();

  keysOf(group: string): Map<string, Key<Fragment>> {
    const keys = this.groups.get(group) ?? new Map<string, Key<Fragment>>();
    this.groups.set(group, keys);
    return keys;
  }
}

interface Key<Fragment> {
  readonly name: string;
  /** Of all fields that have this key, whatever their types: so must it be where fragments meet. */
  readonly returns: string;
  readonly below: Region<Fragment>;
  /** By the type that the field belongs to. */
  readonly uses: Map<string, Use>;
}

interface Use {
  readonly field: Field;
  readonly call: Call;
  /** The arguments as written, and their variables. */
  readonly args: readonly string[];
  readonly variables: ReadonlySet<string>;
}

/** Where a selection stands. */
interface Place<Fragment> {
  readonly region: Region<Fragment>;
  /** How many levels may still follow. */
  readonly depth: number;
  /** How many rows it may bring for each of its own. */
  readonly room: number;
  readonly row: KnownRow | undefined;
  /** Below a named fragment, which may be used elsewhere. */
  readonly shared: boolean;
}

// What JavaScript's objects have from birth, or treat in a way of their own.
const ODD_KEYS = [
  "__proto__",
  "constructor",
  "toString",
  "hasOwnProperty",
  "then",
  "toJSON",
  "length",
  "_",
  "_0",
  "data",
  "errors",
  "A",
  "a",
];
/** The owner of a field that all types of a group have. */
const ANY = "*";

/** What a key stands for in objects of a type, if it stands for anything there yet. */
export function useOf(key: Key<unknown>, type: GraphQLCompositeType): Use | undefined {
  return key.uses.get(ANY) ?? key.uses.get(type.name);
}

/** Decides what is selected, and under which response key. */
export class Keys {
  private readonly schema: GraphQLSchema;
  private readonly random: Random;
  private readonly values: Values;
  private readonly writer: Writer;
  private readonly fields = new Map<GraphQLCompositeType, { leaves: readonly Field[]; composite: readonly Field[] }>();
  private aliases = 0;

  constructor(schema: GraphQLSchema, random: Random, values: Values, writer: Writer) {
    this.schema = schema;
    this.random = random;
    this.values = values;
    this.writer = writer;
  }

  /** A field of the type under a response key that can be merged with all there is in the region. */
  choose<Fragment>(type: GraphQLCompositeType, place: Place<Fragment>): Key<Fragment> {
    const { random } = this;
    const { region } = place;
    const group = this.groupOf(type);
    const fits = (key: Key<Fragment>) => {
      const use = useOf(key, type);
      return (
        use !== undefined &&
        (this.hasRoom(place, use.call.rows) || !isCompositeType(getNamedType(use.field.type))) &&
        (use.call.boundTo === undefined || (!place.shared && use.call.boundTo === (place.row?.id ?? "")))
      );
    };
    const keys = region.keysOf(group);
    const again = random.chance(0.3) ? [...keys.values()].filter(fits) : [];
    if (again.length > 0 && random.chance(0.8)) return random.pick(again);

    // What another key asks for already, once more.
    const twin = again.length > 0 ? random.pick(again) : undefined;
    const same = twin && useOf(twin, type);
    if (same) {
      const everywhere = twin?.uses.has(ANY) ?? false;
      return this.add(region, group, `a${this.aliases++}`, type, same.field, same.call, everywhere);
    }

    const field = this.pickField(type, place);
    const call = makeCall(random, this.values, type.name, field, place.shared ? undefined : place.row, place.room);
    const everywhere = field.name === "id" || field.name === "__typename"; // also a field of interfaces
    const name = this.keyName(type, field, call);
    const known = keys.get(name);
    if (known) {
      if (fits(known)) return known;
      const free = useOf(known, type) === undefined && !known.uses.has(ANY) && !everywhere;
      if (!free || isInterfaceType(type) || known.returns !== String(field.type) || call.boundTo !== undefined) {
        return this.add(region, group, `a${this.aliases++}`, type, field, call, everywhere);
      }
      known.uses.set(type.name, this.use(field, call));
      return known;
    }
    return this.add(region, group, name, type, field, call, everywhere);
  }

  private add<Fragment>(
    region: Region<Fragment>,
    group: string,
    name: string,
    type: GraphQLCompositeType,
    field: Field,
    call: Call,
    everywhere: boolean,
  ): Key<Fragment> {
    const below = this.random.chance(0.35) ? new Region<Fragment>() : region;
    const key: Key<Fragment> = { name, returns: String(field.type), below, uses: new Map() };
    key.uses.set(everywhere ? ANY : type.name, this.use(field, call));
    region.keysOf(group).set(name, key);
    return key;
  }

  private use(field: Field, call: Call): Use {
    const variables = new Set<string>();
    const args = field.args.flatMap((arg) => {
      const how = call.boundTo === undefined ? {} : { fixed: true };
      // What is left out, and what is null, may still be written, as a variable too.
      const given = arg.name in call.args;
      if (!given && (isRequiredArgument(arg) || !this.random.chance(0.15))) return [];
      const value = given ? call.args[arg.name] : this.random.pick([undefined, null]);
      const text = this.writer.write(arg.type, value, arg.name, variables, how);
      return text === undefined ? [] : [`${arg.name}: ${text}`];
    });
    return { field, call, args, variables };
  }

  private keyName(type: GraphQLCompositeType, field: Field, call: Call): string {
    const { random } = this;
    if (call.boundTo !== undefined) return `a${this.aliases++}`;
    if (random.chance(0.7)) return field.name;
    if (random.chance(0.5)) return `a${this.aliases++}`;
    const others = isObjectType(type) ? Object.keys(type.getFields()) : [];
    const name = random.pick([...ODD_KEYS, ...others]);
    return name === "id" ? `a${this.aliases++}` : name;
  }

  private pickField(type: GraphQLCompositeType, place: Place<unknown>): Field {
    const { random } = this;
    const query = type === this.schema.getQueryType();
    if (random.chance(0.06)) return TypeNameMetaFieldDef;
    if (query && random.chance(0.02)) return random.pick([SchemaMetaFieldDef, TypeMetaFieldDef]);
    const { leaves } = this.fieldsOf(type);
    const composite = this.hasRoom(place)
      ? this.fieldsOf(type).composite.filter(({ name }) => name !== "validation" || random.chance(0.15))
      : [];
    // A connection's only leaf is a number.
    const deeper = leaves.length === 0 || random.chance(leaves.length === 1 ? 0.75 : 0.4);
    const from = composite.length > 0 && deeper ? composite : leaves;
    return from.length === 0 ? TypeNameMetaFieldDef : random.pick(from);
  }

  /** How many fields of the type there is room for. */
  possible(type: GraphQLCompositeType, place: Place<unknown>): number {
    const { leaves, composite } = this.fieldsOf(type);
    return leaves.length + (this.hasRoom(place) ? composite.length : 0);
  }

  private fieldsOf(type: GraphQLCompositeType): { leaves: readonly Field[]; composite: readonly Field[] } {
    const known = this.fields.get(type);
    if (known) return known;
    const all = "getFields" in type ? Object.values<Field>(type.getFields()) : [];
    const composite = all.filter((field) => isCompositeType(getNamedType(field.type)));
    const fields = { leaves: all.filter((field) => !composite.includes(field)), composite };
    this.fields.set(type, fields);
    return fields;
  }

  private hasRoom({ depth, room }: Place<unknown>, rows = 1): boolean {
    return depth > 0 && room >= Math.max(1, rows);
  }

  /** Types whose objects may stand in one place share their keys: those of an interface. */
  private groupOf(type: GraphQLCompositeType): string {
    if (isAbstractType(type)) return type.name;
    return type.getInterfaces()[0]?.name ?? type.name;
  }
}
