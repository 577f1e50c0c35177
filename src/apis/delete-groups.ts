import { DeleteGroups } from '../../protocol/apis/delete-groups.ts'
import { handler } from './handler.ts'

/** Deletes empty groups and their offsets. Source: KafkaApis.handleDeleteGroupsRequest. */
export const deleteGroups = handler(DeleteGroups, async (request, { services }) => ({
  results: await services.groups.deleteGroups([...new Set(request.groupsNames)]),
}))
