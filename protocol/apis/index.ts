import type { ApiSchema } from '../schema.ts'
import { Produce } from './produce.ts'

/** Every api that has a schema, by rising key. */
export const apis: readonly ApiSchema[] = [Produce]

export const apiByKey: ReadonlyMap<number, ApiSchema> = new Map(apis.map((api) => [api.key, api]))
