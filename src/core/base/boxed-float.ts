/**
 * A float, also where its value is whole: a boxed Number is not `typeof 'number'`, so it stays apart from an integer until
 * it is written as JSON text (see json-text).
 */
export const boxedFloat = (value: number): object => Object(value) as object;
