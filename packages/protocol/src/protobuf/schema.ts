/**
 * Schemas of protobuf (proto3) messages. One table serves the codec, server reflection and the
 * tests of the published `.proto` files.
 */

export type ProtoScalar = 'string' | 'bytes' | 'bool' | 'int32' | 'int64';

export interface ProtoScalarField {
  readonly number: number;
  readonly type: ProtoScalar;
  /** With presence: an absent field is undefined, and differs from one with the default value. */
  readonly optional?: true;
}

export interface ProtoRepeatedField {
  readonly number: number;
  readonly type: 'repeated';
  readonly of: 'string' | 'bytes' | 'int64' | ProtoMessage;
  /** Maximum number of elements that are read. */
  readonly most: number;
}

/** `map<string, string>`. */
export interface ProtoMapField {
  readonly number: number;
  readonly type: 'map';
  /** Maximum number of entries that are read. */
  readonly most: number;
}

export interface ProtoMessageField {
  readonly number: number;
  readonly type: 'message';
  readonly of: ProtoMessage;
}

export type ProtoField = ProtoScalarField | ProtoRepeatedField | ProtoMapField | ProtoMessageField;

export interface ProtoMessage {
  /** Without the package. */
  readonly name: string;
  readonly fields: Readonly<Record<string, ProtoField>>;
}

type ScalarOf<T extends ProtoScalar> = T extends 'string'
  ? string
  : T extends 'bytes'
    ? Uint8Array
    : T extends 'bool'
      ? boolean
      : number;

type ElementOf<T> = T extends ProtoScalar ? ScalarOf<T> : T extends ProtoMessage ? MessageOf<T> : never;

type ValueOf<F extends ProtoField> = F extends ProtoScalarField
  ? ScalarOf<F['type']> | (F extends { readonly optional: true } ? undefined : never)
  : F extends ProtoRepeatedField
    ? readonly ElementOf<F['of']>[]
    : F extends ProtoMapField
      ? ReadonlyMap<string, string>
      : F extends ProtoMessageField
        ? MessageOf<F['of']> | undefined
        : never;

/**
 * The value of a message. A scalar field that is absent on the wire has its default (empty, false,
 * 0), an absent message or optional field is undefined.
 */
export type MessageOf<M extends ProtoMessage> = {
  readonly [Name in keyof M['fields']]: ValueOf<M['fields'][Name]>;
};

/** A message to be encoded: absent fields are left out. */
export type MessageInput<M extends ProtoMessage> = {
  readonly [Name in keyof M['fields']]?: M['fields'][Name] extends ProtoMessageField
    ? MessageInput<M['fields'][Name]['of']> | undefined
    : M['fields'][Name] extends { readonly type: 'repeated'; readonly of: infer Of extends ProtoMessage }
      ? readonly MessageInput<Of>[]
      : ValueOf<M['fields'][Name]>;
};

export interface ProtoMethod {
  readonly name: string;
  /** Full name of the type, with its package. */
  readonly input: string;
  readonly output: string;
  readonly streamsRequests?: true;
  readonly streamsResponses?: true;
}

export interface ProtoService {
  readonly name: string;
  readonly methods: readonly ProtoMethod[];
}

/** A `.proto` file. */
export interface ProtoFile {
  /** Path, as other files import it. */
  readonly name: string;
  readonly package: string;
  readonly imports: readonly string[];
  readonly messages: readonly ProtoMessage[];
  readonly services: readonly ProtoService[];
}

export const WIRE_VARINT = 0;
export const WIRE_64_BIT = 1;
export const WIRE_LENGTH = 2;
export const WIRE_GROUP_START = 3;
export const WIRE_GROUP_END = 4;
export const WIRE_32_BIT = 5;

/** The wire type of a field. A list of numbers is packed. */
export const wireTypeOf = ({ type }: ProtoField): number =>
  type === 'bool' || type === 'int32' || type === 'int64' ? WIRE_VARINT : WIRE_LENGTH;
